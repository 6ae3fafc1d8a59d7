package resolver

import (
	"strings"
	"unicode"
)

// maxName is the longest secret name that single-key mode looks up, in bytes.
const maxName = 512

// notInNames are characters that no looked-up name may hold: those of a URL's grammar,
// which passwords have and names of secrets hardly ever.
const notInNames = "?#%\\"

// naming is what one secret store takes for the name of a secret.
type naming struct {
	valid        func(name string) bool // it can be asked for: all that a stated name has to be
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

// possible tells whether single-key mode may look up a value as the name of a secret
// (section 4, step 5). What is not possible is a literal, and is never sent. These limits
// are not for stated names.
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
