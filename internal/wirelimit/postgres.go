package wirelimit

import "encoding/binary"

// postgres follows PostgreSQL's messages: a type, a length that includes itself, a body.
type postgres struct {
	header [5]byte
	have   int   // of the header
	left   int64 // of the body
}

// Postgres returns the framing of a connection to a PostgreSQL server, after TLS.
func Postgres() Framing { return &postgres{} }

// perMessage is what a client may keep of a message that has hardly a byte: a parameter
// is an entry of a map.
const perMessage = 128

// Arrived implements Framing.
func (f *postgres) Arrived(p []byte) (Progress, error) {
	var progress Progress
	for len(p) > 0 {
		if f.have < len(f.header) {
			n := copy(f.header[f.have:], p)
			f.have += n
			p = p[n:]
			if f.have < len(f.header) {
				break
			}
			length := int64(binary.BigEndian.Uint32(f.header[1:]))
			switch {
			case length < 4:
				return progress, ErrMalformed
			case length > MaxMessage:
				return progress, ErrTooLarge
			}
			f.left = length - 4
			progress.Cost += perMessage
			if f.header[0] == 'T' || f.header[0] == 'D' {
				progress.Cost += 2 * f.left // of a column that is null it keeps 24 bytes for 4
			}
			progress.Done = false
		}
		n := min(f.left, int64(len(p)))
		f.left -= n
		p = p[n:]
		if f.left == 0 {
			f.have = 0
			progress.Done = f.header[0] == 'Z' // ReadyForQuery
		}
	}
	progress.Ahead = f.left
	return progress, nil
}
