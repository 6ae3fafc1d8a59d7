package storetest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ConnCount counts the connections to a server.
type ConnCount struct {
	mu      sync.Mutex
	open    map[net.Conn]bool
	made    int
	changed chan struct{} // closed when open changes
}

// CountConns counts the connections to a server. The server must not have started yet.
func CountConns(server *httptest.Server) *ConnCount {
	c := &ConnCount{open: map[net.Conn]bool{}, changed: make(chan struct{})}
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch state {
		case http.StateNew:
			c.open[conn] = true
			c.made++
		case http.StateClosed, http.StateHijacked:
			delete(c.open, conn)
		default:
			return
		}
		close(c.changed)
		c.changed = make(chan struct{})
	}
	return c
}

// Total returns how many connections were made.
func (c *ConnCount) Total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made
}

// connPatience is how long Await waits. A store closes a connection by itself after it was idle
// for a minute, which must not count.
const connPatience = 45 * time.Second

// Await waits until exactly n connections are open.
func (c *ConnCount) Await(t *testing.T, n int) {
	t.Helper()
	late := time.After(connPatience)
	for {
		c.mu.Lock()
		open, changed := len(c.open), c.changed
		c.mu.Unlock()
		if open == n {
			return
		}
		select {
		case <-changed:
		case <-late:
			require.FailNow(t, "connections stay open", "got %d open connections, want %d", open, n)
		}
	}
}

// TwoProtocols runs a test twice: with HTTP/1, where concurrent calls have a connection each,
// and with HTTP/2.
func TwoProtocols(t *testing.T, test func(t *testing.T, overTLS bool)) {
	t.Helper()
	t.Run("HTTP/1", func(t *testing.T) { test(t, false) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, true) })
}

// Together makes so many calls at the same time. The test fails if one of them fails.
func Together(t *testing.T, calls int, call func() error) {
	t.Helper()
	failed := make(chan error)
	for range calls {
		go func() { failed <- call() }()
	}
	for range calls {
		require.NoError(t, <-failed)
	}
}
