package main

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/waiting"
)

// echo starts a server that returns what it receives.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func TestOutageProxy(t *testing.T) {
	d, err := startProxy(echo(t))
	require.NoError(t, err)
	defer d.close()
	say := func(conn net.Conn) error {
		_ = conn.SetDeadline(time.Now().Add(waiting.Long))
		if _, err := conn.Write([]byte("hello")); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, len("hello")))
		return err
	}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", d.address())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}

	before := dial()
	require.NoError(t, say(before))
	require.Equal(t, 1, d.connections())

	d.setDown(true)
	require.Error(t, say(before), "existing connections must be closed")
	require.Error(t, say(dial()))
	require.Len(t, d.refusals(), 1)

	d.setDown(false)
	require.NoError(t, say(dial()))
	require.Len(t, d.refusals(), 1)
}
