// Package session runs a document: the commands and the files that it shows to its reader.
//
// A block of the language "console" has commands, each after "$ ", and below each what it prints:
//
//	```console
//	$ credential-resolver list \
//	>   -c components/credentials.yaml
//	analytics-db
//	```
//
// A line that starts with "> " continues a command. In what a command prints, "…" stands for any
// text, and a line that is only "…" for any number of lines. Each command must succeed. A command that
// ends with the comment "# repeat …" runs again until it does.
//
// A comment on a line of its own is a command that readers do not see. It causes what the document is
// about, such as an outage. What it prints does not matter:
//
//	<!-- test: systemctl stop vault -->
//
// A block with a path after its language is a file that the reader writes:
//
//	```json tutorial/secrets.json
//
// Other blocks are only shown.
package session

import (
	"fmt"
	"regexp"
	"strings"
)

// Step is one thing that the reader does: to run a command or to write a file.
type Step struct {
	Line    int    // of the document, from 1
	Section string // the last heading of the second level before it

	Command string // "" for a file
	Want    string // what the command prints, without a newline at its end
	Hidden  bool   // readers do not see it, and what it prints does not matter

	File, Text string
}

// Parse returns the steps of a document.
func Parse(document string) ([]Step, error) {
	var steps []Step
	section := ""
	add := func(more ...Step) {
		for _, step := range more {
			step.Section = section
			steps = append(steps, step)
		}
	}
	lines := strings.Split(document, "\n")
	for i := 0; i < len(lines); i++ {
		if title, isHeading := strings.CutPrefix(lines[i], "## "); isHeading {
			section = title
		}
		if comment, isHidden := strings.CutPrefix(lines[i], "<!-- test: "); isHidden {
			command, ends := strings.CutSuffix(comment, " -->")
			if !ends {
				return nil, fmt.Errorf("line %d: the comment does not end in its line", i+1)
			}
			add(Step{Line: i + 1, Command: command, Hidden: true})
		}
		info, isFence := strings.CutPrefix(lines[i], "```")
		if !isFence {
			continue
		}
		begin := i + 1
		for i++; i < len(lines) && lines[i] != "```"; i++ {
		}
		if i == len(lines) {
			return nil, fmt.Errorf("line %d: the block has no end", begin)
		}
		language, path, isFile := strings.Cut(info, " ")
		switch {
		case isFile:
			add(Step{Line: begin, File: path, Text: strings.Join(lines[begin:i], "\n") + "\n"})
		case language == "console":
			commands, err := ParseConsole(lines[begin:i], begin+1)
			if err != nil {
				return nil, err
			}
			add(commands...)
		}
	}
	return steps, nil
}

// ParseConsole returns the commands of a block whose first line has the number first.
func ParseConsole(lines []string, first int) ([]Step, error) {
	var steps []Step
	for i, line := range lines {
		if command, isCommand := strings.CutPrefix(line, "$ "); isCommand {
			steps = append(steps, Step{Line: first + i, Command: command})
			continue
		}
		if len(steps) == 0 {
			return nil, fmt.Errorf("line %d: a console block must begin with a command, after \"$ \"", first+i)
		}
		step := &steps[len(steps)-1]
		more, continues := strings.CutPrefix(line, "> ")
		switch {
		case continues && step.Want == "":
			step.Command += "\n" + more
		case step.Want == "":
			step.Want = line
		default:
			step.Want += "\n" + line
		}
	}
	return steps, nil
}

// repeats tells whether the command runs again until it does what the document says.
func (s Step) repeats() bool { return strings.Contains(s.Command, "# repeat") }

// matches tells whether a command printed what the document says.
func matches(want, got string) bool {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	for line := range strings.Lines(want + "\n") {
		if line == "…\n" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	pattern.WriteString(`\z`)
	if want == "" {
		return got == ""
	}
	return regexp.MustCompile(pattern.String()).MatchString(got + "\n")
}
