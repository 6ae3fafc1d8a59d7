package wirelimit

import "encoding/binary"

// postgres follows PostgreSQL's messages: a type, a length that includes itself, a body.
type postgres struct {
	header [7]byte // with the number of columns that a row or its description begins with
	have   int     // of the header
	left   int64   // of the body
}

// Postgres returns the framing of a connection to a PostgreSQL server, after TLS.
func Postgres() Framing { return &postgres{} }

const (
	// perMessage is what a client may keep of a message that has hardly a byte: a
	// parameter is an entry of a map.
	perMessage = 128
	// perColumn is what a client keeps of a column that has hardly a byte.
	perColumn = 64
	// maxColumns is how many columns PostgreSQL itself allows.
	maxColumns = 1664
	// maxOther bounds every message that is not a row.
	maxOther = 64 << 10
)

// Arrived implements Framing.
func (f *postgres) Arrived(p []byte) (Progress, error) {
	var progress Progress
	for len(p) > 0 {
		progress.Done = false
		if wanted := f.wanted(); f.have < wanted {
			n := copy(f.header[f.have:wanted], p)
			f.have += n
			p = p[n:]
			if f.have < wanted {
				break
			}
			cost, err := f.begin()
			if err != nil {
				return progress, err
			}
			progress.Cost += cost
			if f.have < f.wanted() {
				continue
			}
		}
		n := min(f.left, int64(len(p)))
		f.left -= n
		p = p[n:]
		if f.left == 0 {
			progress.Done = f.header[0] == 'Z' // ReadyForQuery
			f.have = 0
		}
	}
	progress.Ahead = f.left
	return progress, nil
}

// wanted is how long the header is, as far as it is known.
func (f *postgres) wanted() int {
	if f.have >= 5 && (f.header[0] == 'D' || f.header[0] == 'T') {
		return 7
	}
	return 5
}

// begin looks at a header, and at what a longer one has more. It returns what the client
// needs beside the message's bytes.
func (f *postgres) begin() (int64, error) {
	if f.have > 5 {
		columns := int64(binary.BigEndian.Uint16(f.header[5:]))
		if columns > maxColumns {
			return 0, ErrTooLarge
		}
		f.left -= 2
		return perColumn*columns + f.left, nil // the values are copied
	}
	f.left = int64(binary.BigEndian.Uint32(f.header[1:])) - 4
	switch {
	case f.left < 0, f.left < 2 && f.wanted() > 5:
		return 0, ErrMalformed
	case f.left > MaxMessage, f.header[0] != 'D' && f.left > maxOther:
		return 0, ErrTooLarge
	}
	return perMessage, nil
}
