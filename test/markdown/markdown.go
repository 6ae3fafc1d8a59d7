// Package markdown keeps the parts of a document that a program writes: each
// stands between two lines that say so.
package markdown

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Replace reads a document, puts text in between the lines "<!-- part: … -->" and
// "<!-- end of part -->", and writes the whole to a path, which may be the same.
func Replace(document, part, text, path string) error {
	old, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	begin := regexp.MustCompile(`(?m)^<!-- ` + regexp.QuoteMeta(part) + `: .*\n`).FindIndex(old)
	if begin == nil {
		return fmt.Errorf("%s lacks the line at which its part %q begins", document, part)
	}
	end := "<!-- end of " + part + " -->\n"
	_, after, ok := strings.Cut(string(old[begin[1]:]), end)
	if !ok {
		return fmt.Errorf("%s lacks the line at which its part %q ends", document, part)
	}
	return os.WriteFile(path, []byte(string(old[:begin[1]])+text+end+after), 0o644)
}
