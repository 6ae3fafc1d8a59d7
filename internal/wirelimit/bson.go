package wirelimit

import "encoding/binary"

// perMember is the memory, in bytes, that a client uses for a member of a document even if the
// member is almost empty.
const perMember = 80

// bsonScanner scans documents, one after the other, and limits how deeply they nest and how
// many members they have.
type bsonScanner struct {
	skip    int64 // bytes to skip
	strings int   // strings to skip, each up to its zero byte
	number  [4]byte
	have    int   // bytes of number that have arrived
	state   uint8 // what comes next, after the skipped bytes
	kind    byte  // of the current member
	depth   int   // number of open documents
	extra   int64 // bytes after the string whose length comes next
}

const (
	bsonLength uint8 = iota // a document's length; the limit on messages covers it
	bsonKind                // the kind of a member, or the end of a document
	bsonValue               // a member's value, once its name has passed
	bsonString              // the length of a string or of binary data
)

// scan scans the next bytes. It returns the memory that the client needs in addition to them.
func (s *bsonScanner) scan(p []byte) (cost int64, err error) {
	for len(p) > 0 || s.ready() {
		switch {
		case s.skip > 0:
			n := min(s.skip, int64(len(p)))
			s.skip -= n
			p = p[n:]
		case s.strings > 0:
			if p[0] == 0 {
				s.strings--
			}
			p = p[1:]
		case s.state == bsonValue:
			if err := s.value(); err != nil {
				return cost, err
			}
		case s.state == bsonKind:
			s.kind, p = p[0], p[1:]
			if s.kind == 0 {
				s.end()
				continue
			}
			cost += perMember
			s.strings, s.state = 1, bsonValue
		default: // a number
			n := copy(s.number[s.have:], p)
			s.have += n
			p = p[n:]
			if s.have < len(s.number) {
				continue
			}
			s.have = 0
			if err := s.counted(); err != nil {
				return cost, err
			}
		}
	}
	return cost, nil
}

// ready reports whether scan can make progress without another byte.
func (s *bsonScanner) ready() bool { return s.skip == 0 && s.strings == 0 && s.state == bsonValue }

// end ends a document.
func (s *bsonScanner) end() {
	s.depth--
	if s.state = bsonKind; s.depth == 0 {
		s.state = bsonLength
	}
}

// counted processes a number: the length of a document or of a string.
func (s *bsonScanner) counted() error {
	n := int64(int32(binary.LittleEndian.Uint32(s.number[:]))) //nolint:gosec // it is signed
	if n < 0 || n > maxMongoMessage {
		return ErrMalformed
	}
	if s.state == bsonString {
		s.skip, s.state = n+s.extra, bsonKind
		return nil
	}
	if s.depth == maxMongoDepth {
		return ErrTooLarge
	}
	s.depth++
	s.state = bsonKind
	return nil
}

// value looks at a member's kind and determines how long its value is.
func (s *bsonScanner) value() error {
	s.state, s.extra = bsonKind, 0
	switch s.kind {
	case 0x06, 0x0A, 0x7F, 0xFF: // undefined, null, the greatest and the least key
	case 0x08: // boolean
		s.skip = 1
	case 0x10: // a number of 32 bits
		s.skip = 4
	case 0x01, 0x09, 0x11, 0x12: // a double, a time, a timestamp, a number of 64 bits
		s.skip = 8
	case 0x07: // an object's ID
		s.skip = 12
	case 0x13: // a decimal
		s.skip = 16
	case 0x0B: // a regular expression
		s.strings = 2
	case 0x02, 0x0D, 0x0E: // a string, code, a symbol
		s.state = bsonString
	case 0x05: // binary data, with a kind
		s.state, s.extra = bsonString, 1
	case 0x0C: // a reference: a string and an ID
		s.state, s.extra = bsonString, 12
	case 0x03, 0x04: // a document, an array
		s.state = bsonLength
	default: // among them code with a scope, which is no longer in use
		return ErrMalformed
	}
	return nil
}
