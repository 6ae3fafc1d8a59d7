package resolver

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// filter makes of a text what can stand in a text of another grammar. json comes
// first: it sees the value, of whatever kind. Its error is errNotUTF8.
type filter func(Value) (Value, error)

// filterNamed returns the filter of a name (section 10), or nil.
func filterNamed(name string) filter {
	switch name {
	case "urlquery":
		return ofText(escapeQuery)
	case "base64":
		return ofText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })
	case "json":
		return func(v Value) (Value, error) {
			text, err := v.AppendJSON(nil)
			return StringValue(string(text)), err
		}
	default:
		return nil
	}
}

// plannedFilters are the names of filters that are reserved (section 10).
var plannedFilters = []string{"base64decode", "trim"}

// escapeQuery escapes a text for any part of a URL: a blank as %20 and not as "+",
// which means a blank in a query alone.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func ofText(f func(string) string) filter {
	return func(v Value) (Value, error) {
		s, err := v.AsText()
		return StringValue(f(s)), err
	}
}
