package wirelimit

import "encoding/binary"

// mysql tracks MySQL's packets: a length of three bytes, a sequence number, and a body.
type mysql struct {
	head [4 + 9]byte // the packet's head and the start of its body
	have int         // bytes of head that have arrived
	size int64       // bytes of the body
	left int64       // bytes of the body that have not arrived
	ends int         // finished parts of a result: its columns, its rows
}

// MySQL returns the framing of a connection to a MySQL server. With TLS, it must see the
// decrypted bytes.
func MySQL() Framing { return &mysql{} }

const (
	// perPacket is the memory, in bytes, that a client uses for a column even if its packet is
	// almost empty.
	perPacket = 256
	// maxMySQLColumns is MySQL's own limit on columns.
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
			f.size = f.left
			if f.size > MaxMessage || f.head[3] == 1 && f.size > maxOther {
				return progress, ErrTooLarge // the first packet of an answer is short
			}
			progress.Cost += perPacket
		}
		n := min(f.left, int64(len(p)))
		if f.have < len(f.head) {
			f.have += copy(f.head[f.have:], p[:n])
		}
		f.left -= n
		p = p[n:]
		if f.have > 4 && f.head[4] == 0xff && f.size > maxOther {
			return progress, ErrTooLarge // an error packet is short
		}
		if f.left > 0 && f.have < len(f.head) {
			break // the start of the body is incomplete
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

// look checks the start of the answer to a command, which may say how many columns a result
// has. The client allocates them at once.
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
	case 0x00, 0xfb, 0xff: // OK, a request for a local file, error
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

// end reports whether a packet is the last one of an answer.
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
