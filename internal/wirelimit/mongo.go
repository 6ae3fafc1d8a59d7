package wirelimit

import "encoding/binary"

const (
	// maxMongoMessage limits a message, in bytes. It is larger than for other protocols,
	// because a page of a listing contains the configs.
	maxMongoMessage = RoomSize
	// maxMongoDepth is MongoDB's own limit on nested documents.
	maxMongoDepth = 100

	opReply = 1
	opMsg   = 2013
)

// mongo tracks MongoDB's messages and the BSON documents in them. A compressed message is
// malformed, because a server sends one only to a client that asked for compression.
type mongo struct {
	head [16]byte
	have int   // bytes of head that have arrived
	left int64 // bytes of the message that have not arrived
	bson bsonScanner
}

// Mongo returns the framing of a connection to a MongoDB server. With TLS, it must see the
// decrypted bytes.
func Mongo() Framing { return &mongo{} }

// Arrived implements Framing.
func (f *mongo) Arrived(p []byte) (Progress, error) {
	var progress Progress
	for len(p) > 0 {
		progress.Done = false
		if f.have < len(f.head) {
			n := copy(f.head[f.have:], p)
			f.have += n
			p = p[n:]
			if f.have >= 4 { // clients allocate memory as soon as they know the length
				if err := f.announced(); err != nil {
					return progress, err
				}
			}
			if f.have < len(f.head) {
				break
			}
			if err := f.begin(); err != nil {
				return progress, err
			}
		}
		n := min(f.left, int64(len(p)))
		cost, err := f.bson.scan(p[:n])
		if err != nil {
			return progress, err
		}
		progress.Cost += cost
		f.left -= n
		p = p[n:]
		if f.left == 0 {
			f.have = 0
			progress.Done = true
		}
	}
	progress.Ahead = f.left
	return progress, nil
}

// announced checks the length of a message.
func (f *mongo) announced() error {
	length := int64(int32(binary.LittleEndian.Uint32(f.head[:]))) //nolint:gosec // it is signed
	f.left = length - int64(f.have)
	switch {
	case length < int64(len(f.head)):
		return ErrMalformed
	case length > maxMongoMessage:
		return ErrTooLarge
	}
	return nil
}

// begin checks the rest of the head.
func (f *mongo) begin() error {
	f.bson = bsonScanner{}
	switch binary.LittleEndian.Uint32(f.head[12:]) {
	case opReply:
		f.bson.skip = 20 // flags, cursor, position, number
	case opMsg:
		f.bson.skip = 5 // flags, and a section's kind, which is 0
	}
	if f.bson.skip == 0 || f.left < f.bson.skip {
		return ErrMalformed
	}
	return nil
}
