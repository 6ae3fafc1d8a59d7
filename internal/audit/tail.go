package audit

import (
	"bytes"
	"slices"
)

// tail is what a process finds at the end of a file.
type tail struct {
	last    link     // of the last complete line; zero: there is none
	torn    [][]byte // incomplete lines after it
	unended bool     // whether the file does not end with a newline
	foreign bool     // whether something follows that no audit log wrote
}

// maxFragments bounds the incomplete lines at the end of a file. A process leaves one or two.
const maxFragments = 64

// findTail finds the last complete line in the end of a file. A process that was killed, or
// could not write, leaves incomplete lines.
func findTail(text []byte) tail {
	t := tail{unended: len(text) > 0 && text[len(text)-1] != '\n'}
	text = bytes.TrimSuffix(text, []byte("\n"))
	for len(text) > 0 {
		begin := bytes.LastIndexByte(text, '\n') + 1
		line := text[begin:]
		if p, ok := parseLine(line); ok {
			t.last = p.link
			return t
		}
		if !fragment(line) || len(t.torn) == maxFragments {
			t.foreign = true
			return t
		}
		t.torn = slices.Insert(t.torn, 0, line)
		text = text[:max(0, begin-1)]
	}
	return t
}

// fragment reports whether a text may be the beginning of an audit line.
func fragment(text []byte) bool {
	n := min(len(text), len(linePrefix))
	return n > 0 && string(text[:n]) == linePrefix[:n]
}
