// Package doccheck finds what is not real in a Markdown document: links, commands, flags, make
// targets, files, YAML and JSON. It needs no network and runs no command.
package doccheck

import (
	"fmt"
	"io/fs"
	"strings"
)

// Repository is what the documents are compared with.
type Repository struct {
	// Files are the files of the repository.
	Files fs.FS
	// Help returns the help of a command of credential-resolver, such as "audit verify"; "" is
	// the product itself. It reports false if there is no such command.
	Help func(command string) (string, bool)
	// Daprd is the help of daprd. "" means that daprd's flags are not checked.
	Daprd string
	// Metadata returns an error if a Component of ours with this metadata is refused.
	Metadata func(properties map[string]string) error
	// ComponentType is the type of the Components that Metadata is for.
	ComponentType string
	// Hosts are those that external links may lead to.
	Hosts []string
}

// Problem is something in a document that is not real.
type Problem struct {
	Line int
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

// Check returns the problems of a document. path is its path in the repository.
func (r Repository) Check(path, text string) []Problem {
	d := split(text)
	problems := append(r.links(path, d), r.spans(d)...)
	for _, b := range d.blocks {
		switch b.language {
		case "console":
			problems = append(problems, r.console(b)...)
		case "sh", "bash":
			problems = append(problems, r.script(b.line, strings.Join(b.lines, "\n"))...)
		case "yaml":
			problems = append(problems, r.yaml(b)...)
		case "json":
			problems = append(problems, jsonProblems(b)...)
		case indented:
			if isCommand(b.lines[0]) {
				problems = append(problems, r.script(b.line, strings.Join(b.lines, "\n"))...)
			}
		}
	}
	return problems
}

// exists reports whether a file or folder of the repository has this path, which may have
// wildcards.
func (r Repository) exists(path string) bool {
	found, err := fs.Glob(r.Files, strings.TrimSuffix(path, "/"))
	return err == nil && len(found) > 0
}
