// Package nearest suggests the name that a user probably meant.
package nearest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Name returns the candidate with the smallest edit distance to name, ignoring case. It
// returns "" if no candidate is near enough.
func Name(name string, candidates []string) string {
	best, bestDistance := "", len(name)/2+1
	length := utf8.RuneCountInString(name)
	for _, c := range candidates {
		if length-utf8.RuneCountInString(c) >= bestDistance {
			continue // skip a slow comparison: the difference in length already needs too many edits
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Hint returns ` (did you mean "x"?)`, or "" if no candidate is near enough.
func Hint(name string, candidates []string) string {
	if n := Name(name, candidates); n != "" {
		return fmt.Sprintf(" (did you mean %q?)", n)
	}
	return ""
}
