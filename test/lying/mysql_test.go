//go:build e2e && stores && linux

package lying

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
)

// mysql speaks the part of MySQL's text protocol that contrib's store needs.
type mysql struct{ tls bool }

func myPacket(number byte, body string) []byte {
	n := len(body)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), number}, body...)
}

func readMyPacket(conn net.Conn) (number byte, body []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return 0, nil, err
	}
	body = make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err = io.ReadFull(conn, body)
	return head[3], body, err
}

const (
	myOK  = "\x00\x00\x00\x02\x00\x00\x00"
	myEnd = "\xfe\x00\x00\x02\x00"
)

func (m mysql) handshake(conn net.Conn) (net.Conn, error) {
	capabilities := "\x08\x82"
	if m.tls {
		capabilities = "\x08\x8a"
	}
	_, err := conn.Write(myPacket(0, "\x0a8.0.0\x00\x01\x00\x00\x0012345678\x00"+capabilities+"\xff\x02\x00\x08\x00\x15"+
		strings.Repeat("\x00", 10)+"123456789012\x00mysql_native_password\x00"))
	if err != nil {
		return nil, err
	}
	if m.tls {
		if _, _, err := readMyPacket(conn); err != nil {
			return nil, err
		}
		if conn, err = withTLS(conn); err != nil {
			return nil, err
		}
	}
	number, _, err := readMyPacket(conn)
	if err != nil {
		return nil, err
	}
	_, err = conn.Write(myPacket(number+1, myOK))
	return conn, err
}

func (m mysql) serve(conn net.Conn, lying func() bool) error {
	for {
		_, body, err := readMyPacket(conn)
		if err != nil {
			return err
		}
		if len(body) == 0 || body[0] == 1 {
			return errors.New("the client has gone")
		}
		if lying() {
			return nil
		}
		answer := myPacket(1, myOK)
		if query := strings.ToLower(string(body[1:])); body[0] == 3 && strings.HasPrefix(strings.TrimSpace(query), "select") {
			answer = append(myPacket(1, "\x01"), myPacket(2, "\x03def\x00\x00\x00\x01a\x00\x0c\xff\x00\x01\x00\x00\x00\xfd\x00\x00\x00\x00\x00")...)
			answer = append(answer, myPacket(3, myEnd)...)
			if strings.Contains(query, "exists") || strings.Contains(query, "count") {
				answer = append(append(answer, myPacket(4, "\x011")...), myPacket(5, myEnd)...)
			} else {
				answer = append(answer, myPacket(4, myEnd)...)
			}
		}
		if _, err := conn.Write(answer); err != nil {
			return err
		}
	}
}

func TestLyingMySQL(t *testing.T) {
	const longest = "\xff\xff\xff"
	// Lies instead of the answer to a command, or instead of the greeting.
	by := func(number byte) []lie {
		n := string([]byte{number})
		return []lie{
			{name: "the longest packet, and nothing", first: []byte(longest + n)},
			{name: "the longest packet, slowly", first: []byte(longest + n), again: []byte("x"), slowly: true},
			{name: "packets of 3 MiB, and nothing", first: []byte("\x00\x00\x30" + n + "\x01")},
			{name: "most columns, and nothing", first: myPacket(number, "\xfe\x00\x00\x00\x08\x00\x00\x00\x00")},
			{name: "no body", first: myPacket(number, "")},
			{name: "an error of 3 MiB", first: []byte("\x00\x00\x30" + n + "\xff"), again: []byte("x")},
			{name: "half a number", first: myPacket(number, "\xfe\x01")},
		}
	}
	// MySQL numbers its packets.
	numbered := func(first []byte, from int, body string) []byte {
		for i := range 4096 {
			first = append(first, myPacket(byte(from+i), body)...)
		}
		return first
	}
	const column = "\x03def\x00\x00\x00\x01a\x00\x0c\xff\x00\x01\x00\x00\x00\xfd\x00\x00\x00\x00\x00"
	var lies []lie
	for w, number := range map[when]byte{atOnce: 0, thereafter: 1} {
		for _, l := range by(number) {
			l.only = w
			lies = append(lies, l)
		}
	}
	lies = everywhere(append(lies,
		lie{name: "columns without end", only: thereafter, first: numbered(myPacket(1, "\xfc\x00\x10"), 2, column)},
		lie{
			name: "rows without end", only: thereafter,
			first: append(append(myPacket(1, "\x01"), myPacket(2, column)...), myPacket(3, myEnd)...),
			again: numbered(nil, 4, "\x011"),
		},
		lie{
			name: "rows of 16 MiB", only: thereafter,
			first: append(append(append(myPacket(1, "\x01"), myPacket(2, column)...), myPacket(3, myEnd)...), longest+"\x04"...),
			again: []byte("x"),
		},
	)...)
	for name, secure := range map[string]bool{"state.mysql": false, "state.mysql with TLS": true} {
		t.Run(name, store{
			name: name, kind: "state.mysql", server: mysql{tls: secure}, lies: lies, inside: secure,
			fields: func(_ *testing.T, s store, address string) map[string]string {
				secure := "false"
				if s.server.(mysql).tls {
					secure = "skip-verify"
				}
				return map[string]string{
					"connectionString": "u:p@tcp(" + address + ")/?interpolateParams=true&tls=" + secure,
					"timeoutInSeconds": strconv.Itoa(1), "cleanupInterval": "0",
				}
			},
		}.run)
	}
}
