package backend

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// refusingRedis starts a server that refuses every command as unauthenticated. awaitNone waits
// until all connections to it have ended.
func refusingRedis(t *testing.T) (address string, awaitNone func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var open sync.WaitGroup
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { refuse(conn) })
		}
	}()
	return listener.Addr().String(), func() {
		_ = listener.Close()
		<-stopped
		open.Wait()
	}
}

// refuse reads commands until the connection ends, and refuses each. A command is an array of
// strings with their lengths.
func refuse(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for lines := bufio.NewReader(conn); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		words, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "*")))
		for range 2 * words {
			_, _ = lines.ReadString('\n')
		}
		if _, err = io.WriteString(conn, "-WRONGPASS invalid username-password pair or user is disabled.\r\n"); err != nil {
			return
		}
	}
}

// go-redis before 9.23 left such connections to the garbage collector.
func TestRedisThatRefusesUsLeavesNoConnection(t *testing.T) {
	address, awaitNone := refusingRedis(t)
	fields := map[string]string{"redisHost": address, "redisUsername": "u", "redisPassword": "p"}
	require.NoError(t, redisDefaults(fields))
	for range 5 {
		_, err := connectRedis(t.Context(), fields, storetest.DevNull(t))
		require.Equal(t, credential.Denied, credential.KindOf(err))
	}
	awaitNone()
}
