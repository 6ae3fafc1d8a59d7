package store

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// These bound the idle connections to an HTTP server. One credential has at most eight lookups
// at a time. The server closes an idle connection later than we do: Vault after five minutes.
const (
	idleConns   = 8
	idleTimeout = time.Minute
)

// SessionTransport is the HTTP transport of one session with a server. It closes its
// connections when the session ends. A plain http.Transport does not: CloseIdleConnections
// keeps the HTTP/2 connections that are in use at that moment.
type SessionTransport struct {
	*http.Transport

	mu    sync.Mutex
	conns map[net.Conn]struct{} // the open connections
	calls int                   // the number of running calls
	ended bool
}

var _ http.RoundTripper = (*SessionTransport)(nil)

// NewSessionTransport returns a session transport that takes over an http.Transport. The
// transport must be unused, and nobody else may use it afterwards.
func NewSessionTransport(transport *http.Transport) *SessionTransport {
	s := &SessionTransport{Transport: transport, conns: map[net.Conn]struct{}{}}
	dial := transport.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return s.add(conn)
	}
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = idleConns, idleConns
	transport.IdleConnTimeout = idleTimeout
	return s
}

// End ends the session. It closes the connections once no call is running. A later call gets a
// connection of its own.
func (s *SessionTransport) End() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.closeUnused()
}

// closeUnused closes the connections of a session that has ended, unless a call is running.
func (s *SessionTransport) closeUnused() {
	s.mu.Lock()
	var unused []net.Conn
	if s.ended && s.calls == 0 {
		for conn := range s.conns {
			unused = append(unused, conn)
		}
	}
	s.mu.Unlock()
	if len(unused) > 0 {
		s.CloseIdleConnections() // closes gracefully if the protocol supports it
	}
	for _, conn := range unused {
		_ = conn.Close()
	}
}

// RoundTrip implements http.RoundTripper. The call counts as running until the response body
// is closed.
func (s *SessionTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	done := sync.OnceFunc(func() {
		s.mu.Lock()
		s.calls--
		s.mu.Unlock()
		s.closeUnused()
	})
	resp, err := s.Transport.RoundTrip(req)
	// HTTP/2 keeps a connection in its pool for a moment after End has closed it.
	for range idleConns {
		if !errors.Is(err, net.ErrClosed) || req.Body != nil && req.Body != http.NoBody || req.Context().Err() != nil {
			break
		}
		resp, err = s.Transport.RoundTrip(req)
	}
	if err != nil {
		done()
		return nil, err
	}
	resp.Body = &sessionBody{resp.Body, done}
	return resp, nil
}

// sessionBody is the body of a response. Closing it ends the call.
type sessionBody struct {
	io.ReadCloser

	done func()
}

// Close implements io.Closer.
func (b *sessionBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// add registers a connection. If the session has ended and no call is running, it closes the
// connection instead: a dial goes on after its call has ended.
func (s *SessionTransport) add(conn net.Conn) (net.Conn, error) {
	held := &sessionConn{Conn: conn, of: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended && s.calls == 0 {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	s.conns[held] = struct{}{}
	return held, nil
}

// sessionConn is an open connection of a session.
type sessionConn struct {
	net.Conn

	of *SessionTransport
}

// Close implements net.Conn.
func (c *sessionConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.conns, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
