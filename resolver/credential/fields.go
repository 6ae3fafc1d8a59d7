package credential

import (
	"iter"
)

// stringValues returns the string values of a config, and of "extra" one level
// down, in document order, less its credentialSource and secret-path, empty ones, and
// those of fields that are not chosen. A value that stands twice comes twice.
func StringValues(config Object, of FieldFilter) []string {
	var found []string
	for name, text := range StringFields(config) {
		if of.Has(name) {
			found = append(found, text)
		}
	}
	return found
}

// fieldName is the name of a config's field: within is "extra", or "" at the top.
type FieldName struct{ Within, Name string }

func (n FieldName) String() string {
	if n.Within == "" {
		return n.Name
	}
	return n.Within + "." + n.Name
}

// stringFields yields what stringValues returns, with the fields' names.
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

// chosen tells which fields of a single-key config may be references. Nil: all.
type FieldFilter func(FieldName) bool

func (c FieldFilter) Has(name FieldName) bool { return c == nil || c(name) }
