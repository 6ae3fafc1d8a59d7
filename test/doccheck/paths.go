package doccheck

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// paths checks the words of a command that name a file of the repository.
func (r Repository) paths(words []string) []string {
	var wrong []string
	for _, word := range words {
		_, value, _ := strings.Cut(word, "=")
		for _, path := range []string{word, value} {
			if path = strings.TrimPrefix(path, "@"); !r.there(path) {
				wrong = append(wrong, fmt.Sprintf("the file %s does not exist", path))
			}
		}
	}
	return wrong
}

var placeholder = regexp.MustCompile(`<[\w-]+>`)

// there reports whether a path exists, or is no path of the repository at all: its first element
// must be in the repository's root. What make builds in bin counts as existing.
func (r Repository) there(path string) bool {
	path = placeholder.ReplaceAllString(strings.TrimPrefix(path, "./"), "*")
	top, rest, isPath := strings.Cut(path, "/")
	if !isPath || rest == "" || strings.ContainsAny(path, "$ …{}") || strings.HasSuffix(path, "/...") {
		return true
	}
	if top == "bin" {
		text, err := fs.ReadFile(r.Files, "Makefile")
		name, _, _ := strings.Cut(rest, "/")
		return err == nil && strings.Contains(string(text), "$(BIN)/"+name)
	}
	if info, err := fs.Stat(r.Files, top); err != nil || !info.IsDir() {
		return true
	}
	return r.exists(path)
}

var (
	span      = regexp.MustCompile("`([^`]+)`")
	pathAlone = regexp.MustCompile(`^[\w.][\w.<>*-]*(?:/[\w.<>*-]+)+/?$`)
)

// spans checks the commands and the files in the running text.
func (r Repository) spans(d document) []Problem {
	var problems []Problem
	for i, line := range d.prose {
		for _, found := range span.FindAllStringSubmatch(line, -1) {
			text := found[1]
			words := strings.Fields(text)
			var wrong []string
			switch {
			case len(words) > 1 && (words[0] == "make" || words[0] == product):
				wrong = r.command(words)
			case len(words) > 1 && words[0] == "serve" && strings.HasPrefix(words[1], "--"):
				wrong = r.product(words)
			case pathAlone.MatchString(text) && !r.there(text):
				wrong = []string{fmt.Sprintf("the file %s does not exist", text)}
			}
			for _, why := range wrong {
				problems = append(problems, Problem{i + 1, why})
			}
		}
	}
	return problems
}
