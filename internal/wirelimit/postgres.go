package wirelimit

import "encoding/binary"

// postgres tracks PostgreSQL's messages: a type, a length that includes itself, and a body.
type postgres struct {
	header [7]byte // for rows and their descriptions, includes the number of columns
	have   int     // bytes of header that have arrived
	left   int64   // bytes of the body that have not arrived
}

// Postgres returns the framing of a connection to a PostgreSQL server. With TLS, it must see
// the decrypted bytes.
func Postgres() Framing { return &postgres{} }

const (
	// perMessage is the memory, in bytes, that a client may use for a message even if it is
	// almost empty: a parameter becomes an entry of a map.
	perMessage = 128
	// perColumn is the memory, in bytes, that a client uses for a column even if it is almost
	// empty.
	perColumn = 64
	// maxColumns is PostgreSQL's own limit on columns.
	maxColumns = 1664
	// maxOther limits every message that is not a row, in bytes.
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

// wanted returns the length of the header, as far as it is known yet.
func (f *postgres) wanted() int {
	if f.have >= 5 && (f.header[0] == 'D' || f.header[0] == 'T') {
		return 7
	}
	return 5
}

// begin checks a header, or the column count of a longer header. It returns the memory that
// the client needs in addition to the message's bytes.
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
