package wirelimit

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Framing tracks the messages that arrive on one connection.
type Framing interface {
	// Arrived receives every byte, in order, before the client sees it. It returns ErrTooLarge
	// or ErrMalformed for bytes that the client must not see.
	Arrived(p []byte) (Progress, error)
}

// Progress describes the state of an answer.
type Progress struct {
	// Ahead is how many bytes the client will allocate for data that was announced and has not
	// arrived yet.
	Ahead int64
	// Cost is the memory, in bytes, that the client needs in addition to the bytes that just
	// arrived.
	Cost int64
	// Done reports whether the answer is complete.
	Done bool
}

// Conn is a connection that limits the memory that the server can make the client use.
// Everything that the server sends between two requests counts as one answer.
type Conn struct {
	net.Conn

	framing Framing

	mu       sync.Mutex
	share    share
	answer   int64     // what the answer has taken so far
	deadline time.Time // for reading
	closed   bool
	wake     context.CancelFunc // wakes a Read that waits for room; nil if none waits
}

var (
	_ net.Conn     = (*Conn)(nil)
	_ syscall.Conn = (*Conn)(nil)
)

// NewConn wraps a connection. The framing must see plain text, so with TLS, conn is the
// decrypted side.
func NewConn(conn net.Conn, room *Room, framing Framing) *Conn {
	return &Conn{Conn: conn, framing: framing, share: share{room: room}}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	progress, framed := c.framing.Arrived(p[:n])
	if framed == nil {
		framed = c.account(int64(n)+progress.Cost, progress)
	}
	if framed != nil {
		if errors.Is(framed, ErrTooLarge) || errors.Is(framed, ErrMalformed) {
			_ = c.Close()
		}
		return 0, framed
	}
	return n, err
}

// account reserves room for an answer that has grown, or releases the room if the answer is
// complete.
func (c *Conn) account(more int64, progress Progress) error {
	c.mu.Lock()
	c.answer += more
	if progress.Done {
		c.answer = 0
		c.share.release()
		c.mu.Unlock()
		return nil
	}
	for {
		if c.closed {
			c.mu.Unlock()
			return net.ErrClosed
		}
		ctx, cancel := c.waiting()
		s, need := c.share, c.answer+progress.Ahead // nothing else uses the share meanwhile
		c.mu.Unlock()
		err := s.grow(ctx, need)
		cancel()
		c.mu.Lock()
		c.wake, c.share = nil, s
		switch {
		case c.closed:
			c.share.release()
			err = net.ErrClosed
		case errors.Is(err, context.Canceled):
			continue // the deadline has changed
		case errors.Is(err, context.DeadlineExceeded):
			err = os.ErrDeadlineExceeded
		}
		c.mu.Unlock()
		return err
	}
}

// waiting returns a context that ends the wait for room.
func (c *Conn) waiting() (ctx context.Context, cancel context.CancelFunc) {
	if c.deadline.IsZero() {
		ctx, cancel = context.WithCancel(context.Background())
	} else {
		ctx, cancel = context.WithDeadline(context.Background(), c.deadline)
	}
	c.wake = cancel
	return ctx, cancel
}

// Write implements net.Conn. A new request ends the previous answer.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.wake == nil {
		c.answer = 0
		c.share.release()
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	c.setDeadline(t)
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.setDeadline(t)
	return c.Conn.SetReadDeadline(t)
}

func (c *Conn) setDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if c.wake != nil {
		c.wake()
	}
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	if c.wake != nil {
		c.wake() // the waiting Read releases the share
	} else {
		c.share.release()
	}
	c.mu.Unlock()
	return c.Conn.Close()
}

// SyscallConn implements syscall.Conn. Clients use it to check whether an idle connection is
// still alive.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	conn := c.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if raw, ok := conn.(syscall.Conn); ok {
		return raw.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
