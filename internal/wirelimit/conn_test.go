package wirelimit_test

import (
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/wirelimit"
)

// pair returns a limited connection and the server's side of it.
func pair(t *testing.T, room *wirelimit.Room) (*wirelimit.Conn, net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { _ = server.Close() })
	conn := wirelimit.NewConn(client, room, wirelimit.Redis())
	t.Cleanup(func() { _ = conn.Close() })
	return conn, server
}

// send lets the server write a text and the client read it.
func send(t *testing.T, conn *wirelimit.Conn, server net.Conn, text string) error {
	t.Helper()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = server.Write([]byte(text))
	}()
	_, err := conn.Read(make([]byte, len(text)))
	if err != nil {
		_ = server.Close()
	}
	<-written
	return err
}

const twoMiB = "$2097152\r\n"

func TestAnswerWaitsForRoomUntilItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := wirelimit.NewRoom(3 << 20)
		first, server := pair(t, room)
		require.NoError(t, send(t, first, server, twoMiB))
		second, other := pair(t, room)
		require.NoError(t, second.SetReadDeadline(time.Now().Add(time.Minute)))
		require.ErrorIs(t, send(t, second, other, twoMiB), os.ErrDeadlineExceeded)
	})
}

func TestAnswerIsReadWhenThereIsRoom(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, conn *wirelimit.Conn, server net.Conn){
		"by the end of another answer": func(t *testing.T, conn *wirelimit.Conn, server net.Conn) {
			require.NoError(t, send(t, conn, server, strings.Repeat("x", 2<<20)+"\r\n"))
		},
		"by the end of a connection": func(t *testing.T, conn *wirelimit.Conn, _ net.Conn) { require.NoError(t, conn.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				room := wirelimit.NewRoom(3 << 20)
				first, server := pair(t, room)
				require.NoError(t, send(t, first, server, twoMiB))
				second, other := pair(t, room)
				got := make(chan error, 1)
				go func() { got <- send(t, second, other, twoMiB) }()
				synctest.Wait()
				require.Empty(t, got)
				end(t, first, server)
				require.NoError(t, <-got)
			})
		})
	}
}

func TestWaitForRoomEndsWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := wirelimit.NewRoom(3 << 20)
		first, server := pair(t, room)
		require.NoError(t, send(t, first, server, twoMiB))
		second, other := pair(t, room)
		got := make(chan error, 1)
		go func() { got <- send(t, second, other, twoMiB) }()
		synctest.Wait()
		require.NoError(t, second.SetReadDeadline(time.Now().Add(time.Hour))) // keeps waiting
		synctest.Wait()
		require.Empty(t, got)
		require.NoError(t, second.Close())
		require.ErrorIs(t, <-got, net.ErrClosed)
	})
}

func TestConnectionOfALyingServerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, server := pair(t, wirelimit.NewRoom(3<<20))
		require.ErrorIs(t, send(t, conn, server, "*1000000000\r\n"), wirelimit.ErrTooLarge)
		_, err := conn.Write([]byte("PING"))
		require.Error(t, err)
	})
}
