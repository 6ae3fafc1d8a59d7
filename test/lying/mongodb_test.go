//go:build e2e && stores && linux

package lying

import (
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// mongodb speaks the part of MongoDB's protocol that contrib's store needs.
type mongodb struct{ tls bool }

func (m mongodb) handshake(conn net.Conn) (net.Conn, error) {
	if m.tls {
		return withTLS(conn)
	}
	return conn, nil
}

func mongoHead(length, code uint32) []byte {
	head := make([]byte, 16)
	binary.LittleEndian.PutUint32(head, length)
	binary.LittleEndian.PutUint32(head[12:], code)
	return head
}

func (m mongodb) serve(conn net.Conn, lying func() bool) error {
	for {
		head := make([]byte, 16)
		if _, err := io.ReadFull(conn, head); err != nil {
			return err
		}
		body := make([]byte, binary.LittleEndian.Uint32(head)-16)
		if _, err := io.ReadFull(conn, body); err != nil {
			return err
		}
		text := string(body)
		find := strings.Contains(text, "\x02find\x00")
		if lying() && find {
			return nil
		}
		answer := bson.D{
			{Key: "ok", Value: 1.0},
			{Key: "ismaster", Value: true},
			{Key: "isWritablePrimary", Value: true},
			{Key: "helloOk", Value: true},
			{Key: "maxWireVersion", Value: int32(17)},
			{Key: "maxBsonObjectSize", Value: int32(1 << 30)},
			{Key: "maxMessageSizeBytes", Value: int32(1<<31 - 1)},
			{Key: "maxWriteBatchSize", Value: int32(1000)},
		}
		if find {
			answer = bson.D{{Key: "ok", Value: 1.0}, {Key: "cursor", Value: bson.D{
				{Key: "firstBatch", Value: bson.A{}}, {Key: "id", Value: int64(0)}, {Key: "ns", Value: "a.b"},
			}}}
		}
		document, err := bson.Marshal(answer)
		if err != nil {
			return err
		}
		reply := append(mongoHead(uint32(16+5+len(document)), 2013), 0, 0, 0, 0, 0)
		if binary.LittleEndian.Uint32(head[12:]) == 2004 {
			reply = append(mongoHead(uint32(16+20+len(document)), 1), make([]byte, 20)...)
			reply[16+16] = 1 // document
		}
		copy(reply[8:12], head[4:8]) // the ID of the request
		if _, err := conn.Write(append(reply, document...)); err != nil {
			return err
		}
	}
}

func TestLyingMongoDB(t *testing.T) {
	message := func(length uint32, first string) []byte {
		return append(append(mongoHead(length, 2013), 0, 0, 0, 0, 0), first...)
	}
	compressed := func(compressor byte, size uint32, body []byte) []byte {
		m := mongoHead(uint32(25+len(body)), 2012)
		m = binary.LittleEndian.AppendUint32(m, 2013)
		m = binary.LittleEndian.AppendUint32(m, size)
		return append(append(m, compressor), body...)
	}
	const large = 6 << 20
	lies := everywhere(
		lie{name: "the longest message, and nothing", first: message(1<<31-1, "")},
		lie{name: "the longest message, slowly", first: message(1<<31-1, "\xff\xff\xff\x7f\x02a\x00\xff\xff\xff\x7f"), again: []byte("x"), slowly: true},
		lie{name: "the longest message", first: message(1<<31-1, "\xff\xff\xff\x7f\x02a\x00\xff\xff\xff\x7f"), again: []byte("x")},
		lie{name: "messages of 6 MiB, and nothing", first: message(large, "")},
		lie{name: "a string of 6 MiB", first: message(large, "\xeb\xff\x5f\x00\x02a\x00\xda\xff\x5f\x00"), again: []byte("x")},
		lie{name: "members without end", first: message(large, "\xeb\xff\x5f\x00"), again: []byte("\x0aa\x00")},
		lie{name: "documents in documents without end", first: message(large, ""), again: []byte("\xff\xff\x00\x00\x03\x00")},
		lie{name: "a compressed bomb", first: compressed(2, 1<<31-1, bomb())},
		lie{name: "replies without end", again: message(21+5, "\x05\x00\x00\x00\x00")},
	)
	for name, secure := range map[string]bool{"state.mongodb": false, "state.mongodb with TLS": true} {
		t.Run(name, store{
			name: name, kind: "state.mongodb", server: mongodb{tls: secure}, lies: lies, inside: secure,
			fields: func(_ *testing.T, s store, address string) map[string]string {
				return map[string]string{"connectionString": "mongodb://" + address +
					"/?tlsInsecure=true&tls=" + strconv.FormatBool(s.server.(mongodb).tls)}
			},
		}.run)
	}
}
