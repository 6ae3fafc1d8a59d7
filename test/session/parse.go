// Package session runs the console blocks of a document as a reader would run them, and
// compares what the commands print with what the document shows.
//
// In a block of the language "console", a line that begins with "$ " is a command. It goes on in
// the next line if it ends with a backslash or if the next line begins with "> ". The lines up to
// the next command are its output: standard output and standard error.
//
//   - "…" in a line stands for any text, and a line "…" for any number of lines.
//   - A command may end with the comment "# repeat …". Then it runs again until it prints what
//     the document shows.
//   - A command must exit with status 0, unless the next command uses "$?".
//   - A comment "<!-- test: COMMAND -->" on a line of its own is a command that readers do not
//     see. It causes what the document is about, such as an outage.
package session

import (
	"fmt"
	"strings"
)

// Section is a heading of the second level with its steps.
type Section struct {
	Title string
	Steps []Step
}

// Step is one command, with the output that the document shows.
type Step struct {
	Line    int // in the document
	Command string
	Want    string
	Hidden  bool // readers do not see it, and its output does not matter

	usesStatus bool // the next command uses $?
}

const (
	prompt       = "$ "
	continuation = "> "
	hidden       = "<!-- test: "
	hiddenEnd    = " -->"
)

// Parse returns the sections of a document that have steps.
func Parse(document string) ([]Section, error) {
	var sections []Section
	current := Section{}
	finish := func() {
		if len(current.Steps) > 0 {
			sections = append(sections, current)
		}
	}
	lines := strings.Split(document, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "## "):
			finish()
			current = Section{Title: strings.TrimPrefix(line, "## ")}
		case strings.HasPrefix(line, hidden):
			command, found := strings.CutSuffix(strings.TrimPrefix(line, hidden), hiddenEnd)
			if !found {
				return nil, fmt.Errorf("line %d: the comment does not end in its line", i+1)
			}
			current.Steps = append(current.Steps, Step{Line: i + 1, Command: command, Hidden: true})
		case line == "```console":
			end := i + 1
			for end < len(lines) && lines[end] != "```" {
				end++
			}
			if end == len(lines) {
				return nil, fmt.Errorf("line %d: the block does not end", i+1)
			}
			steps, err := Steps(lines[i+1:end], i+2)
			if err != nil {
				return nil, err
			}
			current.Steps = append(current.Steps, steps...)
			i = end
		case strings.HasPrefix(line, "```"): // another language
			for i++; i < len(lines) && lines[i] != "```"; i++ {
			}
		}
	}
	finish()
	for _, section := range sections {
		for i := 1; i < len(section.Steps); i++ {
			section.Steps[i-1].usesStatus = strings.Contains(section.Steps[i].Command, "$?")
		}
	}
	return sections, nil
}

// Steps returns the steps of one console block, whose first line has the number first.
func Steps(lines []string, first int) ([]Step, error) {
	var steps []Step
	for i := 0; i < len(lines); i++ {
		command, isCommand := strings.CutPrefix(lines[i], prompt)
		if !isCommand {
			if len(steps) == 0 {
				return nil, fmt.Errorf("line %d: output without a command", first+i)
			}
			steps[len(steps)-1].Want += lines[i] + "\n"
			continue
		}
		step := Step{Line: first + i, Command: command}
		for i+1 < len(lines) {
			next, marked := strings.CutPrefix(lines[i+1], continuation)
			if !marked && !strings.HasSuffix(lines[i], `\`) {
				break
			}
			step.Command += "\n" + next
			i++
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// repeats reports whether the command runs until it prints what the document shows.
func (s Step) repeats() bool { return strings.Contains(s.Command, "# repeat") }
