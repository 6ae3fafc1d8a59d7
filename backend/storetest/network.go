package storetest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Network forwards connections to a server. After Cut, its connections stay open but forward
// nothing.
type Network struct {
	Address string
	alive   atomic.Pointer[atomic.Bool] // whether the connections made now still forward data
}

// NewNetwork starts a network that forwards to an address. It stops when the test ends.
func NewNetwork(t *testing.T, to string) *Network {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n := &Network{Address: listener.Addr().String()}
	n.Cut()
	var pipes sync.WaitGroup
	var ends []net.Conn
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", to)
			if err != nil {
				_ = here.Close()
				return
			}
			ends = append(ends, here, there)
			alive := n.alive.Load()
			pipes.Go(func() { pass(alive, here, there) })
			pipes.Go(func() { pass(alive, there, here) })
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-stopped
		for _, end := range ends {
			_ = end.Close()
		}
		pipes.Wait()
	})
	return n
}

// Cut stops forwarding on the existing connections. New connections work.
func (n *Network) Cut() {
	alive := new(atomic.Bool)
	alive.Store(true)
	if old := n.alive.Swap(alive); old != nil {
		old.Store(false)
	}
}

func pass(alive *atomic.Bool, from, to net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if alive.Load() {
			_, _ = to.Write(buf[:n])
		}
	}
}
