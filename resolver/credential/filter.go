package credential

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// filter makes of a text what can stand in a text of another grammar. json comes
// first: it sees the value, of whatever kind.
type filter struct {
	size func(Value) int            // how long what it makes is
	make func(Value) (Value, error) // its error is errNotUTF8
}

// apply makes the filter's text, once the budget allows.
func (f filter) apply(v Value, b *budget) (Value, error) {
	if err := b.filter(v.TextSize()); err != nil {
		return Value{}, err
	}
	if err := b.filter(f.size(v)); err != nil {
		return Value{}, err
	}
	return f.make(v)
}

// filterNamed returns the filter of a name (section 10), and whether there is one.
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

// escapeQuery escapes a text for any part of a URL: a blank as %20 and not as "+",
// which means a blank in a query alone.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// escapedQuerySize returns how long escapeQuery makes a text.
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
