package wirelimit

import "encoding/binary"

// mysql follows MySQL's packets: a length of three bytes, a number, a body.
type mysql struct {
	head [4 + 9]byte // and the beginning of the body
	have int         // of the head
	left int64       // of the body
	ends int         // ends of the parts of a result: its columns, its rows
}

// MySQL returns the framing of a connection to a MySQL server, after TLS.
func MySQL() Framing { return &mysql{} }

const (
	// perPacket is what a client keeps of a column that has hardly a byte.
	perPacket = 256
	// maxMySQLColumns is how many columns MySQL itself allows.
	maxMySQLColumns = 4096
)

// Arrived implements Framing.
func (f *mysql) Arrived(p []byte) (Progress, error) {
	var progress Progress
	for len(p) > 0 {
		progress.Done = false
		if f.have < 4 {
			n := copy(f.head[f.have:4], p)
			f.have += n
			p = p[n:]
			if f.have < 4 {
				break
			}
			f.left = int64(f.head[0]) | int64(f.head[1])<<8 | int64(f.head[2])<<16
			if f.left > MaxMessage || f.head[3] == 1 && f.left > maxOther {
				return progress, ErrTooLarge // the first packet of an answer is a short one
			}
			progress.Cost += perPacket
		}
		n := min(f.left, int64(len(p)))
		if f.have < len(f.head) {
			f.have += copy(f.head[f.have:], p[:n])
		}
		f.left -= n
		p = p[n:]
		if f.have > 4 && f.head[4] == 0xff && f.left > maxOther {
			return progress, ErrTooLarge // a failure
		}
		if f.left > 0 && f.have < len(f.head) {
			break // the beginning is not whole
		}
		if err := f.look(); err != nil {
			return progress, err
		}
		if f.left == 0 {
			progress.Done = f.end()
			f.have = 0
		}
	}
	progress.Ahead = f.left
	return progress, nil
}

// look looks at the beginning of the answer to a command, which may say how many columns a
// result has. The client allocates them at once.
func (f *mysql) look() error {
	if f.head[3] != 1 {
		return nil
	}
	body := f.head[4:f.have]
	if len(body) == 0 {
		return ErrMalformed
	}
	f.ends = 0
	columns, size := uint64(body[0]), 1
	var number [8]byte
	switch body[0] {
	case 0x00, 0xfb, 0xff: // success, a request for a file, failure
		return nil
	case 0xfc:
		size = 3
	case 0xfd:
		size = 4
	case 0xfe:
		size = 9
	}
	if len(body) < size {
		return ErrMalformed
	}
	if size > 1 {
		copy(number[:], body[1:size])
		columns = binary.LittleEndian.Uint64(number[:])
	}
	if columns > maxMySQLColumns {
		return ErrTooLarge
	}
	return nil
}

// end tells whether a packet is the last of an answer.
func (f *mysql) end() bool {
	body := f.head[4:f.have]
	switch {
	case len(body) == 0:
		return false
	case body[0] == 0xff, body[0] == 0x00 && f.head[3] == 1:
		return true
	case body[0] == 0xfe && len(body) < 9:
		f.ends++
	}
	return f.ends == 2
}
