package credential

// Estimates of memory, in bytes: of an entry of a cache with its object, and of a
// field in an object, with its place in the index.
const (
	EntryOverhead = 400
	fieldOverhead = 120
)

// SizeOf estimates the memory that an object takes, in bytes.
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
