//go:build e2e && stores && linux

package lying

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
)

// redis speaks RESP, version 2.
type redis struct{ tls bool }

func (r redis) handshake(conn net.Conn) (net.Conn, error) {
	if r.tls {
		return withTLS(conn)
	}
	return conn, nil
}

func (r redis) serve(conn net.Conn, lying func() bool) error {
	reader := bufio.NewReader(conn)
	for {
		words, err := command(reader)
		if err != nil {
			return err
		}
		var answer string
		switch strings.ToUpper(words[0]) {
		case "HELLO":
			answer = "-ERR unknown command 'HELLO'\r\n"
		case "PING":
			answer = "+PONG\r\n"
		case "INFO":
			answer = "$21\r\nredis_version:6.0.0\r\n\r\n"
		case "HGETALL":
			answer = "*0\r\n"
		case "GET":
			answer = "$-1\r\n"
		default:
			answer = "+OK\r\n"
		}
		if name := strings.ToUpper(words[0]); lying() && (name == "HGETALL" || name == "GET") {
			return nil
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return err
		}
	}
}

// command reads a command: an array of strings.
func command(reader *bufio.Reader) ([]string, error) {
	number := func() (int, error) {
		line, err := reader.ReadString('\n')
		if err != nil || len(line) < 4 {
			return 0, fmt.Errorf("no command: %w", err)
		}
		return strconv.Atoi(line[1 : len(line)-2])
	}
	n, err := number()
	if err != nil {
		return nil, err
	}
	words := make([]string, n)
	for i := range words {
		size, err := number()
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+2)
		if _, err := io.ReadFull(reader, text); err != nil {
			return nil, err
		}
		words[i] = string(text[:size])
	}
	return words, nil
}

func TestLyingRedis(t *testing.T) {
	lies := everywhere(
		lie{name: "the longest string, and nothing", first: []byte("$1073741824\r\n")},
		lie{name: "the longest string, slowly", first: []byte("$1073741824\r\n"), again: []byte("x"), slowly: true},
		lie{name: "the longest string", first: []byte("$1073741824\r\n"), again: []byte("x")},
		lie{name: "strings of 3 MiB, and nothing", first: []byte("$3145728\r\n")},
		lie{name: "the longest array, and nothing", first: []byte("*1073741824\r\n")},
		lie{name: "an array of 3 million, and nothing", first: []byte("*3000000\r\n")},
		lie{name: "the longest array", first: []byte("*1073741824\r\n"), again: []byte(":1\r\n")},
		lie{name: "the longest map, and nothing", first: []byte("%1073741824\r\n")},
		lie{name: "arrays in arrays without end", again: []byte("*2\r\n")},
		lie{name: "a line without end", first: []byte("+"), again: []byte("x")},
		lie{name: "an error without end", first: []byte("-ERR "), again: []byte("x")},
		lie{name: "pushes without end", again: []byte(">2\r\n+message\r\n+x\r\n")},
		lie{name: "attributes without end", again: []byte("|0\r\n")},
		lie{name: "attributes in attributes without end", again: []byte("|1\r\n")},
	)
	for name, secure := range map[string]bool{"state.redis": false, "state.redis with TLS": true} {
		t.Run(name, store{
			name: name, kind: "state.redis", server: redis{tls: secure}, lies: lies, inside: secure,
			fields: func(_ *testing.T, s store, address string) map[string]string {
				return map[string]string{
					"redisHost": address, "enableTLS": strconv.FormatBool(s.server.(redis).tls), "insecureSkipTLSVerify": "true",
				}
			},
		}.run)
	}
}
