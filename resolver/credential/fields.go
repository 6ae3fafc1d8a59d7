package credential

import (
	"iter"
)

// StringValues returns the string values of a config, and of "extra" one level down, in
// document order (section 4, step 5). It leaves out credentialSource, secret-path, empty
// strings, and fields outside the filter. Duplicates stay.
func StringValues(config Object, of FieldFilter) []string {
	var found []string
	for name, text := range StringFields(config) {
		if of.Has(name) {
			found = append(found, text)
		}
	}
	return found
}

// FieldName is the name of a field in a config. Within is "extra", or "" for a top-level
// field.
type FieldName struct{ Within, Name string }

// String returns the name with a dot, such as extra.token.
func (n FieldName) String() string {
	if n.Within == "" {
		return n.Name
	}
	return n.Within + "." + n.Name
}

// HasMeaning tells whether a field is credentialSource or secret-path.
func HasMeaning(name FieldName) bool {
	return name.Within == "" && (name.Name == FieldSource || name.Name == FieldSecretPath)
}

// StringFields yields the names and values of all fields that StringValues may return.
func StringFields(config Object) iter.Seq2[FieldName, string] {
	return func(yield func(FieldName, string) bool) {
		for name, v := range config.All() {
			switch name {
			case FieldSource, FieldSecretPath:
				continue
			case FieldExtra:
				extra, _ := v.Object()
				for inner, v := range extra.All() {
					if text, ok := v.Text(); ok && text != "" && !yield(FieldName{FieldExtra, inner}, text) {
						return
					}
				}
			}
			if text, ok := v.Text(); ok && text != "" && !yield(FieldName{"", name}, text) {
				return
			}
		}
	}
}

// FieldFilter tells which fields of a single-key config may be references. Nil: all fields.
type FieldFilter func(FieldName) bool

// Has tells whether the field may be a reference.
func (c FieldFilter) Has(name FieldName) bool { return c == nil || c(name) }
