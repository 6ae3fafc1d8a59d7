//go:build e2e && stores && linux

package lying

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// protocol is how an honest server speaks.
type protocol interface {
	// handshake does what comes before requests. It returns the connection for the rest, which
	// may be inside TLS.
	handshake(conn net.Conn) (net.Conn, error)
	// serve answers requests. It returns when a request arrives while lying is true.
	serve(conn net.Conn, lying func() bool) error
}

// lie is what a server sends instead of an answer: first once, and then again repeatedly.
type lie struct {
	name   string
	first  []byte
	again  []byte
	random bool // again is random bytes
	slowly bool // again is sent only now and then
	only   when // "" means at any moment
}

// The modes of a fake.
const (
	honest int32 = iota
	lyingAtOnce
	lyingThereafter
)

// fake is a lying server.
type fake struct {
	net.Listener

	protocol protocol
	lie      lie
	mode     atomic.Int32
	accepted atomic.Int64
}

func newFake(t *testing.T, p protocol, l lie) *fake {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &fake{Listener: listener, protocol: p, lie: l}
	var running sync.WaitGroup
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			f.accepted.Add(1)
			mu.Lock()
			conns[conn] = true
			mu.Unlock()
			running.Go(func() {
				f.talk(conn)
				_ = conn.Close()
				mu.Lock()
				delete(conns, conn)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for conn := range conns {
			_ = conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return f
}

func (f *fake) address() string { return f.Addr().String() }

// talk serves one connection, and lies on it when the mode says so.
func (f *fake) talk(conn net.Conn) {
	lying := func() bool { return f.mode.Load() != honest }
	if f.mode.Load() != lyingAtOnce {
		inner, err := f.protocol.handshake(conn)
		if err != nil || f.protocol.serve(inner, lying) != nil || !lying() {
			return
		}
		conn = inner
	}
	f.tell(conn)
}

// tell sends the lie for as long as the client reads and the server is lying.
func (f *fake) tell(conn net.Conn) {
	ended := make(chan struct{})
	go func() { // discards the client's requests, which may be large
		defer close(ended)
		var p [4096]byte
		for {
			if _, err := conn.Read(p[:]); err != nil {
				return
			}
		}
	}()
	defer func() { _ = conn.Close(); <-ended }()
	if _, err := conn.Write(f.lie.first); err != nil {
		return
	}
	again := f.lie.again
	for !f.lie.slowly && len(again) > 0 && len(again) < 64<<10 { // for speed
		again = append(again, again...)
	}
	noise := rand.NewChaCha8([32]byte{})
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for f.mode.Load() != honest {
		if f.lie.random {
			again = make([]byte, 64<<10)
			_, _ = noise.Read(again)
		}
		if len(again) == 0 || f.lie.slowly {
			select {
			case <-pace.C:
			case <-ended:
				return
			}
		}
		if _, err := conn.Write(again); err != nil {
			return
		}
	}
}

// page is what a proxy sends if it cannot reach its server.
var page = []byte("HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" +
	"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>\r\n")

// everywhere returns lies that work for every protocol, followed by more.
func everywhere(more ...lie) []lie {
	return append([]lie{{name: "an error page", first: page}, {name: "random bytes", random: true}}, more...)
}
