package store

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
)

func TestIdleConnectionsAreBounded(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(DefaultConcurrency)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	}))
	conns := storetest.CountConns(server)
	server.Start()
	t.Cleanup(server.Close)
	transport := NewSessionTransport(&http.Transport{})
	storetest.Together(t, DefaultConcurrency, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			return err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	conns.Await(t, idleConns)
	require.Equal(t, time.Minute, transport.IdleConnTimeout, "a server closes it later")
	transport.End()
	conns.Await(t, 0)
}

func TestAnswerIsReadToItsEndAfterTheSession(t *testing.T) {
	more := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first ")
		w.(http.Flusher).Flush()
		<-more
		_, _ = io.WriteString(w, "last")
	}))
	conns := storetest.CountConns(server)
	server.Start()
	t.Cleanup(server.Close)
	transport := NewSessionTransport(&http.Transport{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	transport.End()
	close(more)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "first last", string(text))
	require.NoError(t, resp.Body.Close())
	conns.Await(t, 0)
}

// halfOpen is a connection that was made too late.
type halfOpen struct {
	net.Conn

	closed bool
}

func (c *halfOpen) Close() error { c.closed = true; return nil }

func TestConnectionThatComesAfterTheSessionIsClosed(t *testing.T) {
	late := &halfOpen{}
	transport := NewSessionTransport(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return late, nil }})
	transport.End()
	_, err := transport.DialContext(t.Context(), "tcp", "host:1")
	require.ErrorIs(t, err, net.ErrClosed)
	require.True(t, late.closed)
}

func TestCallThatFailsHasEnded(t *testing.T) {
	transport := NewSessionTransport(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, syscall.ECONNREFUSED
	}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://host", nil)
	require.NoError(t, err)
	_, err = transport.RoundTrip(req)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Zero(t, transport.calls)
}
