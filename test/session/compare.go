package session

import (
	"regexp"
	"strings"
)

// anything is the wildcard of an expected output.
const anything = "…"

// Matches reports whether an output is what a document shows. Blanks at the ends of lines and
// empty lines at the end do not matter.
func Matches(want, got string) bool {
	var pattern strings.Builder
	for line := range strings.SplitSeq(trim(want), "\n") {
		if line == anything {
			pattern.WriteString(`(?:.*\n)*`)
			continue
		}
		for i, part := range strings.Split(line, anything) {
			if i > 0 {
				pattern.WriteString(`.*`)
			}
			pattern.WriteString(regexp.QuoteMeta(part))
		}
		pattern.WriteString(`\n`)
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(trim(got) + "\n")
}

// trim removes blanks at the ends of lines, and empty lines at the end.
func trim(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
