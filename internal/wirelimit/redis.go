package wirelimit

import (
	"bytes"
	"strconv"
)

// redis tracks RESP, versions 2 and 3. RESP consists of lines, some of which announce a number
// of bytes or of further values.
type redis struct {
	line  []byte  // the part of a line that has arrived
	bulk  int64   // bytes of a string that have not arrived, including its line end
	stack []int64 // for each open value, how many values it still needs
	aside bool    // whether the outermost value is not an answer, but a push or an attribute
}

// Redis returns the framing of a connection to a Redis server. With TLS, it must see the
// decrypted bytes.
func Redis() Framing { return &redis{} }

const (
	maxLine  = 64 << 10
	maxDepth = 16
	// perValue is the memory, in bytes, that a client uses for a value even if it is almost
	// empty.
	perValue = 64
	// perAside is the cost of a push or an attribute, which a server sends unasked and may
	// repeat often.
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

// begin processes a line. open reports whether the value continues.
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
		return 0, false, ErrTooLarge // no server has sent this yet
	}
	if n == 0 {
		return cost + perValue, false, nil
	}
	f.stack = append(f.stack, n*values)
	return cost + (1+n*values)*perValue, true, nil
}

// end ends a value, and every outer value that it completes. It reports whether the answer is
// complete.
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
