package cli

import (
	"strconv"
	"strings"
	"unicode"

	"credential-resolver/resolver/credential"
)

// blankEnded returns the names of the fields, at any depth, whose strings begin or end with
// white space.
func blankEnded(fields credential.Object) []string {
	var found []string
	for name, v := range fields.All() {
		found = append(found, blankEndedIn(name, v)...)
	}
	return found
}

func blankEndedIn(name string, v credential.Value) []string {
	if text, ok := v.Text(); ok {
		if text != strings.TrimFunc(text, unicode.IsSpace) {
			return []string{name}
		}
		return nil
	}
	var found []string
	if o, ok := v.Object(); ok {
		for inner, v := range o.All() {
			found = append(found, blankEndedIn(name+"."+inner, v)...)
		}
	}
	for i, element := range v.Elements() {
		found = append(found, blankEndedIn(name+"."+strconv.Itoa(i), element)...)
	}
	return found
}
