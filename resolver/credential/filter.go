package credential

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// filter converts a value to a text that is safe in another grammar (section 10). Only the
// first filter of a chain can see a value that is no string.
type filter struct {
	size func(Value) int            // length of the result, in bytes
	make func(Value) (Value, error) // its error is ErrNotUTF8
}

// apply charges the budget and then converts the value.
func (f filter) apply(v Value, b *budget) (Value, error) {
	if err := b.filter(v.TextSize()); err != nil {
		return Value{}, err
	}
	if err := b.filter(f.size(v)); err != nil {
		return Value{}, err
	}
	return f.make(v)
}

// filterNamed returns the filter of a name (section 10). False: there is no such filter.
func filterNamed(name string) (filter, bool) {
	switch name {
	case "urlquery":
		return ofText(escapeQuery, escapedQuerySize), true
	case "base64":
		return ofText(
			func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
			func(s string) int { return base64.StdEncoding.EncodedLen(len(s)) },
		), true
	case "json":
		return filter{Value.JSONSize, func(v Value) (Value, error) {
			text, err := v.AppendJSON(nil)
			return StringValue(string(text)), err
		}}, true
	default:
		return filter{}, false
	}
}

// plannedFilters are the names of filters that are reserved (section 10).
var plannedFilters = []string{"base64decode", "trim"}

// escapeQuery escapes a text for any part of a URL. A space becomes %20, because "+" means a
// space only in a query.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// escapedQuerySize returns the length of the result of escapeQuery, in bytes.
func escapedQuerySize(s string) int {
	size := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~", c) >= 0:
		default:
			size += len("%20") - 1
		}
	}
	return size
}

// ofText returns a filter that converts the text of a value.
func ofText(of func(string) string, size func(string) int) filter {
	return filter{
		size: func(v Value) int {
			s, _ := v.AsText()
			return size(s)
		},
		make: func(v Value) (Value, error) {
			s, err := v.AsText()
			return StringValue(of(s)), err
		},
	}
}
