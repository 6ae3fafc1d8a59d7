// Package markdown updates the generated parts of a document. Each part is between two marker
// lines.
package markdown

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// Replace reads a document, replaces the text between the lines "<!-- part: … -->" and "<!--
// end of part -->", and writes the result to path, which may be the same file.
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
