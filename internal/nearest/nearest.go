// Package nearest suggests the name that somebody probably meant.
package nearest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Name returns the candidate nearest to name by edit distance, without regard to
// case; "" if none is near enough to have been meant.
func Name(name string, candidates []string) string {
	best, bestDistance := "", len(name)/2+1
	length := utf8.RuneCountInString(name)
	for _, c := range candidates {
		if length-utf8.RuneCountInString(c) >= bestDistance {
			continue // what is so much longer needs as many edits, and long to be compared
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Hint returns ` (did you mean "x"?)`, or "" if no candidate is near.
func Hint(name string, candidates []string) string {
	if n := Name(name, candidates); n != "" {
		return fmt.Sprintf(" (did you mean %q?)", n)
	}
	return ""
}
