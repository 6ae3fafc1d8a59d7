package resolver

import (
	"strings"
	"unicode"
)

// maxName is the maximum length of a looked-up name, in bytes.
const maxName = 512

// notInNames are characters that no looked-up name may contain. They belong to the grammar of
// URLs, and occur in passwords more often than in names of secrets.
const notInNames = "?#%\\"

// naming is the grammar of one store for names of secrets.
type naming struct {
	valid        func(name string) bool // the store can be asked for it; enough for a stated name
	leadingSlash bool
}

func namingOf(store SecretStore) naming {
	if namer, ok := store.(Namer); ok {
		return naming{valid: namer.ValidName, leadingSlash: namer.LeadingSlash()}
	}
	return naming{valid: func(string) bool { return true }}
}

// filter returns the values that may be names, in their order.
func (n naming) filter(values []string) []string {
	var names []string
	for _, v := range values {
		if n.possible(v) {
			names = append(names, v)
		}
	}
	return names
}

// possible tells whether single-key mode may look up a value (section 4, step 5). Any other
// value is a literal, and is never sent to a store. Stated names have no such limits.
func (n naming) possible(value string) bool {
	if value == "" || len(value) > maxName || strings.ContainsAny(value, notInNames) {
		return false
	}
	if value[0] == '/' && !n.leadingSlash {
		return false
	}
	for _, r := range value {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return false
		}
	}
	for segment := range strings.SplitSeq(value, "/") {
		if segment == ".." {
			return false
		}
	}
	return n.valid(value)
}
