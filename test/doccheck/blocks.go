package doccheck

import (
	"regexp"
	"strings"
)

// document is a document in parts.
type document struct {
	prose  []string // its lines, with empty lines in place of blocks
	blocks []block
}

// block is a block of code.
type block struct {
	language string
	line     int // the number of its first line
	lines    []string
}

// indented is the language of a block without fences.
const indented = "indented"

var fence = regexp.MustCompile("^( *)```([a-z]*)(?: .*)?$") // a path may follow the language

// split divides a document into prose and blocks.
func split(text string) document {
	var d document
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		d.prose = append(d.prose, "")
		found := fence.FindStringSubmatch(lines[i])
		switch {
		case found != nil:
			b := block{language: found[2], line: i + 2}
			for i++; i < len(lines) && lines[i] != found[1]+"```"; i++ {
				b.lines = append(b.lines, strings.TrimPrefix(lines[i], found[1]))
				d.prose = append(d.prose, "")
			}
			d.prose = append(d.prose, "")
			d.blocks = append(d.blocks, b)
		case strings.HasPrefix(lines[i], "    ") && i > 0 && strings.TrimSpace(lines[i-1]) == "":
			b := block{language: indented, line: i + 1}
			for ; i < len(lines) && strings.HasPrefix(lines[i], "    "); i++ {
				b.lines = append(b.lines, lines[i][4:])
				d.prose = append(d.prose, "")
			}
			d.prose = d.prose[:len(d.prose)-1]
			i--
			d.blocks = append(d.blocks, b)
		default:
			d.prose[len(d.prose)-1] = lines[i]
		}
	}
	return d
}

// Commands reports whether a document has sessions, which are blocks of the language "console" that a
// test can run, and whether it has other blocks of commands.
func Commands(text string) (sessions, others bool) {
	for _, b := range split(text).blocks {
		switch b.language {
		case "console":
			sessions = true
		case "sh", "bash":
			others = true
		case indented:
			others = others || isCommand(b.lines[0])
		}
	}
	return sessions, others
}
