package wirelimit

import "encoding/binary"

// MongoRoom is the size of a room for MongoDB, where a part of a listing is one message of
// up to 16 MiB.
const MongoRoom = 20 << 20

const (
	maxMongoMessage = 17 << 20
	// maxMongoDepth is how deep MongoDB itself nests documents.
	maxMongoDepth = 100

	opReply = 1
	opMsg   = 2013
)

// mongo follows MongoDB's messages and the BSON documents in them. A compressed message,
// which a client gets only if it has asked for one, is malformed.
type mongo struct {
	head [16]byte
	have int   // of the head
	left int64 // of the message
	bson bsonScanner
}

// Mongo returns the framing of a connection to a MongoDB server, after TLS.
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

// begin looks at the head of a message.
func (f *mongo) begin() error {
	f.left = int64(int32(binary.LittleEndian.Uint32(f.head[:]))) - int64(len(f.head)) //nolint:gosec // it is signed
	f.bson = bsonScanner{}
	switch binary.LittleEndian.Uint32(f.head[12:]) {
	case opReply:
		f.bson.skip = 20 // flags, cursor, position, number
	case opMsg:
		f.bson.skip = 5 // flags, and a section's kind, which is 0
	default:
		return ErrMalformed
	}
	switch {
	case f.left < f.bson.skip:
		return ErrMalformed
	case f.left > maxMongoMessage:
		return ErrTooLarge
	}
	return nil
}
