package component

import (
	"errors"
	"regexp"
	"strings"
)

// Globs are patterns for names. "*" matches any number of characters, including "/" as in
// IAM policies. "?" matches one character. Everything else matches itself.
type Globs struct{ whole *regexp.Regexp }

// ParseGlobs parses comma-separated patterns, and ignores white space around each. Its error
// does not contain them.
func ParseGlobs(text string) (*Globs, error) {
	var patterns []string
	for pattern := range strings.SplitSeq(text, ",") {
		pattern = strings.TrimSpace(pattern)
		if pattern == "" {
			return nil, errors.New(`has an empty pattern: write patterns such as "myapp/*,shared-?"`)
		}
		patterns = append(patterns, wildcards.Replace(regexp.QuoteMeta(pattern)))
	}
	whole, err := regexp.Compile(`(?s)\A(?:` + strings.Join(patterns, "|") + `)\z`)
	if err != nil {
		return nil, errors.New("has a pattern that is not valid UTF-8")
	}
	return &Globs{whole}, nil
}

// FormatGlobs returns patterns that match the names, and nothing else. It leaves out a name that
// no pattern matches alone.
func FormatGlobs(names []string) (text string, leftOut []string) {
	var patterns []string
	for _, name := range names {
		if strings.ContainsAny(name, "*?,\n\r") || strings.TrimSpace(name) != name {
			leftOut = append(leftOut, name)
		} else {
			patterns = append(patterns, name)
		}
	}
	return strings.Join(patterns, ","), leftOut
}

// wildcards turns the quoted "*" and "?" of a regular expression into glob wildcards. Each of
// the two follows a backslash of its own, so a backslash in a pattern never quotes it.
var wildcards = strings.NewReplacer(`\*`, `.*`, `\?`, `.`)

// Match reports whether a pattern matches the name.
func (g *Globs) Match(name string) bool { return g.whole.MatchString(name) }
