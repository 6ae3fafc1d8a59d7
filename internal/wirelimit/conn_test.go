package wirelimit_test

import (
	"io"
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
		began := time.Now()
		require.NoError(t, second.Close())
		require.ErrorIs(t, <-got, net.ErrClosed)
		require.Zero(t, time.Since(began), "it does not wait for the deadline")
	})
}

func TestConnectionOfALyingServerIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, server := pair(t, wirelimit.NewRoom(3<<20))
		ended := make(chan error, 1)
		go func() {
			_, _ = server.Write([]byte("*1000000000\r\n"))
			_, err := server.Read(make([]byte, 1))
			ended <- err
		}()
		_, err := conn.Read(make([]byte, 100))
		require.ErrorIs(t, err, wirelimit.ErrTooLarge)
		synctest.Wait()
		require.Len(t, ended, 1, "the server is still connected")
		require.ErrorIs(t, <-ended, io.EOF)
	})
}

// All parts of one answer count together.
func TestPartsOfAnAnswerAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, server := pair(t, wirelimit.NewRoom(64<<10))
		require.NoError(t, send(t, conn, server, "*3\r\n"))
		part := "$50000\r\n" + strings.Repeat("x", 50_000) + "\r\n"
		require.NoError(t, send(t, conn, server, part))
		require.ErrorIs(t, send(t, conn, server, part), wirelimit.ErrTooLarge)
	})
}

func TestAnswerThatFitsInNoRoomIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, server := pair(t, wirelimit.NewRoom(1<<20))
		require.ErrorIs(t, send(t, conn, server, twoMiB), wirelimit.ErrTooLarge)
	})
}

// An answer that has a part of the room does not wait for more of it, or two could wait for
// each other.
func TestAnswerThatGrowsBesideAnotherIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := wirelimit.NewRoom(3 << 20)
		first, server := pair(t, room)
		require.NoError(t, send(t, first, server, "*2\r\n$1048576\r\n"))
		second, other := pair(t, room)
		require.NoError(t, send(t, second, other, "*2\r\n$1048576\r\n"))
		require.ErrorIs(t, send(t, first, server, strings.Repeat("x", 1<<20)+"\r\n"+twoMiB), wirelimit.ErrTooLarge)
	})
}

// A request that was given up leaves an answer that nobody reads to its end.
func TestNewRequestGivesTheRoomOfAnAnswerBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := wirelimit.NewRoom(3 << 20)
		first, server := pair(t, room)
		require.NoError(t, send(t, first, server, twoMiB))
		go func() { _, _ = server.Read(make([]byte, 4)) }()
		_, err := first.Write([]byte("PING"))
		require.NoError(t, err)
		second, other := pair(t, room)
		require.NoError(t, second.SetReadDeadline(time.Now().Add(time.Minute)))
		require.NoError(t, send(t, second, other, twoMiB))
	})
}
