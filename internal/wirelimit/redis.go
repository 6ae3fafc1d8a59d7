package wirelimit

import (
	"bytes"
	"strconv"
)

// redis follows RESP, versions 2 and 3: lines, of which some announce a number of bytes or
// of further values.
type redis struct {
	line  []byte  // the part of a line that has arrived
	bulk  int64   // bytes of a string that have not arrived, its line end included
	stack []int64 // of each value that is open, how many values it still needs
	aside bool    // whether the outermost value is no answer: a push or an attribute
}

// Redis returns the framing of a connection to a Redis server, after TLS.
func Redis() Framing { return &redis{} }

const (
	maxLine  = 64 << 10
	maxDepth = 16
	// perValue is what a client keeps of a value that has hardly a byte.
	perValue = 64
	// perAside is for what a server sends unasked, which may come again and again.
	perAside = 4 << 10
)

// Arrived implements Framing.
func (f *redis) Arrived(p []byte) (Progress, error) {
	var progress Progress
	for len(p) > 0 {
		progress.Done = false
		if f.bulk > 0 {
			n := min(f.bulk, int64(len(p)))
			f.bulk -= n
			p = p[n:]
			if f.bulk == 0 {
				progress.Done = f.end()
			}
			continue
		}
		end := bytes.IndexByte(p, '\n') + 1
		part := p
		if end > 0 {
			part = p[:end]
		}
		if len(f.line)+len(part) > maxLine {
			return progress, ErrTooLarge
		}
		f.line = append(f.line, part...)
		if end == 0 {
			break
		}
		p = p[end:]
		cost, open, err := f.begin(f.line)
		if err != nil {
			return progress, err
		}
		f.line = f.line[:0]
		progress.Cost += cost
		if !open {
			progress.Done = f.end()
		}
	}
	progress.Ahead = f.bulk
	return progress, nil
}

// begin looks at a line. It returns whether the value goes on.
func (f *redis) begin(line []byte) (cost int64, open bool, err error) {
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, false, ErrMalformed
	}
	kind := line[0]
	if len(f.stack) == 0 {
		f.aside = kind == '>' || kind == '|'
		if f.aside {
			cost = perAside
		}
	}
	values := int64(1)
	switch kind {
	case '+', '-', ':', '_', ',', '#', '(':
		return cost + perValue, false, nil
	case '$', '!', '=', '*', '~', '>':
	case '%', '|':
		values = 2
	default:
		return 0, false, ErrMalformed
	}
	n, err := strconv.ParseInt(string(line[1:len(line)-2]), 10, 64)
	switch {
	case err != nil || n < -1:
		return 0, false, ErrMalformed
	case n == -1:
		return cost + perValue, false, nil
	case n > MaxMessage:
		return 0, false, ErrTooLarge
	}
	if kind == '$' || kind == '!' || kind == '=' {
		f.bulk = n + 2
		return cost + perValue, true, nil
	}
	if len(f.stack) == maxDepth {
		return 0, false, ErrTooLarge
	}
	if kind == '|' && len(f.stack) > 0 {
		return 0, false, ErrTooLarge // which no server has sent yet
	}
	if n == 0 {
		return cost + perValue, false, nil
	}
	f.stack = append(f.stack, n*values)
	return cost + (1+n*values)*perValue, true, nil
}

// end ends a value, and those that it was the last part of. It tells whether that was all
// of an answer.
func (f *redis) end() bool {
	for len(f.stack) > 0 {
		last := len(f.stack) - 1
		if f.stack[last]--; f.stack[last] > 0 {
			return false
		}
		f.stack = f.stack[:last]
	}
	return !f.aside
}
