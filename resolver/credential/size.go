package credential

// EntryOverhead and fieldOverhead estimate memory, in bytes: of a cache entry with its
// object, and of a field with its place in the index.
const (
	EntryOverhead = 400
	fieldOverhead = 120
)

// SizeOf estimates the memory of an object, in bytes.
func SizeOf(o Object) int {
	size := EntryOverhead
	for name, v := range o.All() {
		size += fieldOverhead + len(name) + len(v.text)
		if v.object != nil {
			size += SizeOf(*v.object)
		}
	}
	return size
}
