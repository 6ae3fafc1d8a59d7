package cli

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// style colours text with ANSI escape sequences, or not.
type style struct{ on bool }

// styleFor returns the style for an output: colours on a terminal, unless NO_COLOR is set or TERM
// is "dumb". CLICOLOR_FORCE colours other outputs too.
func styleFor(out io.Writer) style {
	switch {
	case os.Getenv("NO_COLOR") != "":
		return style{}
	case os.Getenv("CLICOLOR_FORCE") != "" && os.Getenv("CLICOLOR_FORCE") != "0":
		return style{on: true}
	default:
		return style{on: isTerminal(out)}
	}
}

// isTerminal tells whether a person sees what is written, on a terminal that can be controlled.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

func (s style) bold(text string) string   { return s.with("1", text) }
func (s style) red(text string) string    { return s.with("1;31", text) }
func (s style) yellow(text string) string { return s.with("33", text) }
func (s style) green(text string) string  { return s.with("32", text) }
func (s style) faint(text string) string  { return s.with("2", text) }

func (s style) with(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// headings makes the lines of a table bold that begin with one of the headings.
func (s style) headings(table string, headings ...string) string {
	if !s.on {
		return table
	}
	lines := strings.Split(table, "\n")
	for i, line := range lines {
		for _, heading := range headings {
			if strings.HasPrefix(line, heading+" ") {
				lines[i] = s.bold(line)
			}
		}
	}
	return strings.Join(lines, "\n")
}
