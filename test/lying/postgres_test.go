//go:build e2e && stores && linux

package lying

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// postgres speaks the part of PostgreSQL's simple query protocol that contrib's store needs.
type postgres struct{ tls bool }

func pgMessage(kind byte, body string) []byte {
	m := binary.BigEndian.AppendUint32([]byte{kind}, uint32(4+len(body)))
	return append(m, body...)
}

func (p postgres) handshake(conn net.Conn) (net.Conn, error) {
	for {
		var head [4]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return nil, err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
		if _, err := io.ReadFull(conn, body); err != nil {
			return nil, err
		}
		switch code := binary.BigEndian.Uint32(body); {
		case code != 80877103: // a startup message
			_, err := conn.Write(bytes.Join([][]byte{
				pgMessage('R', "\x00\x00\x00\x00"),
				pgMessage('S', "standard_conforming_strings\x00on\x00"), pgMessage('S', "client_encoding\x00UTF8\x00"),
				pgMessage('Z', "I"),
			}, nil))
			return conn, err
		case !p.tls:
			if _, err := conn.Write([]byte("N")); err != nil {
				return nil, err
			}
		default:
			if _, err := conn.Write([]byte("S")); err != nil {
				return nil, err
			}
			inner, err := withTLS(conn)
			if err != nil {
				return nil, err
			}
			conn = inner
		}
	}
}

func (p postgres) serve(conn net.Conn, lying func() bool) error {
	state := "I"
	for {
		var head [5]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(conn, body); err != nil {
			return err
		}
		if lying() {
			return nil
		}
		if head[0] != 'Q' {
			return errors.New("not a simple query")
		}
		query := strings.ToLower(strings.TrimSpace(strings.TrimRight(string(body), "\x00")))
		column := func(name string) string {
			return name + "\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00"
		}
		var answer []byte
		switch {
		case strings.HasPrefix(query, "begin"):
			state = "T"
			answer = pgMessage('C', "BEGIN\x00")
		case strings.HasPrefix(query, "rollback"):
			state = "I"
			answer = pgMessage('C', "ROLLBACK\x00")
		case strings.HasPrefix(query, "-- ping"):
			answer = pgMessage('I', "")
		case strings.Contains(query, "etag"): // of a config
			answer = append(pgMessage('T', "\x00\x03"+column("value")+column("etag")+column("expires_at")), pgMessage('C', "SELECT 0\x00")...)
		case strings.HasPrefix(query, "select value"): // the version of the tables
			answer = append(pgMessage('T', "\x00\x01"+column("value")), pgMessage('D', "\x00\x01\x00\x00\x00\x012")...)
			answer = append(answer, pgMessage('C', "SELECT 1\x00")...)
		default:
			answer = pgMessage('C', "INSERT 0 1\x00")
		}
		if _, err := conn.Write(append(answer, pgMessage('Z', state)...)); err != nil {
			return err
		}
	}
}

func TestLyingPostgreSQL(t *testing.T) {
	const gigabyte = "\x3f\xff\xff\xff"
	lies := everywhere(
		lie{name: "the longest message, and nothing", first: []byte("E" + gigabyte)},
		lie{name: "the longest message, slowly", first: []byte("D" + gigabyte), again: []byte("x"), slowly: true},
		lie{name: "the longest message", first: []byte("D" + gigabyte), again: []byte("xxxx")},
		lie{name: "rows of 3 MiB, and nothing", first: []byte("D\x00\x2f\xff\xff\x00\x01")},
		lie{name: "notices without end", again: pgMessage('N', "SNOTICE\x00Mhello\x00\x00")},
		lie{name: "parameters without end", again: pgMessage('S', "a\x00b\x00")},
		lie{name: "rows without end", first: pgMessage('T', "\x00\x00"), again: pgMessage('D', "\x00\x00")},
		lie{name: "columns without end", again: pgMessage('T', "\x7f\xff"+strings.Repeat("\x00"+strings.Repeat("\x00", 18), 0x7fff))},
	)
	for _, s := range []store{
		{kind: "state.postgresql"},
		{name: "state.postgresql with TLS", kind: "state.postgresql", server: postgres{tls: true}, inside: true},
	} {
		if s.server == nil {
			s.server = postgres{}
		}
		s.lies = lies
		s.fields = func(_ *testing.T, s store, address string) map[string]string {
			mode := "disable"
			if s.server.(postgres).tls {
				mode = "require"
			}
			return map[string]string{
				"connectionString": "postgres://u:p@" + address + "/d?sslmode=" + mode + "&pool_max_conns=64",
				"queryExecMode":    "simple_protocol",
			}
		}
		name := s.name
		if name == "" {
			name = s.kind
		}
		t.Run(name, s.run)
	}
}
