package component

import (
	"errors"
	"regexp"
	"strings"
)

// Globs are patterns of names. "*" stands for any run of characters, "/" included
// as in IAM policies, and "?" for one character; everything else stands for itself.
type Globs struct{ whole *regexp.Regexp }

// ParseGlobs reads patterns with commas between them; blanks around one do not
// count. Its error does not hold them.
func ParseGlobs(text string) (*Globs, error) {
	var patterns []string
	for pattern := range strings.SplitSeq(text, ",") {
		pattern = strings.TrimSpace(pattern)
		if pattern == "" {
			return nil, errors.New(`has an empty pattern: write it as in "myapp/*,shared-?"`)
		}
		patterns = append(patterns, wildcards.Replace(regexp.QuoteMeta(pattern)))
	}
	whole, err := regexp.Compile(`(?s)\A(?:` + strings.Join(patterns, "|") + `)\z`)
	if err != nil {
		return nil, errors.New("has a pattern that is not valid UTF-8")
	}
	return &Globs{whole}, nil
}

// wildcards gives what a regular expression quotes its meaning as a glob. The
// backslash stands for itself, and is replaced by itself so that the one it quotes
// quotes nothing else.
var wildcards = strings.NewReplacer(`\\`, `\\`, `\*`, `.*`, `\?`, `.`)

// Match tells whether one of the patterns stands for the name.
func (g *Globs) Match(name string) bool { return g.whole.MatchString(name) }
