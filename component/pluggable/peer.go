package pluggable

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// process is the one at the other end of a connection. Its start time tells it
// from a later process of the same pid. The zero value is a process in another
// pid namespace, of which nothing is known.
type process struct {
	pid   int32
	start uint64 // in the system's own unit; 0 if it cannot be told
}

// gone tells whether the process is known to have ended.
func (p process) gone() bool {
	if p.pid == 0 {
		return false
	}
	start, alive := startTime(p.pid)
	return !alive || p.start != 0 && start != 0 && start != p.start
}

// connection is one accepted connection, with the process at its other end.
type connection struct {
	net.Conn

	peer  process
	onEnd func(*connection)
	end   sync.Once
	ended atomic.Bool // set before onEnd is called
}

func newConnection(c net.Conn, onEnd func(*connection)) *connection {
	return &connection{Conn: c, peer: peerOf(c), onEnd: onEnd}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.end.Do(func() {
		c.ended.Store(true)
		c.onEnd(c)
	})
	return err
}

// peerOf asks the kernel who is at the other end.
func peerOf(c net.Conn) process {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return process{}
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return process{}
	}
	var pid int32
	if err := raw.Control(func(fd uintptr) { pid = peerPID(int(fd)) }); err != nil || pid == 0 {
		return process{}
	}
	start, _ := startTime(pid)
	return process{pid: pid, start: start}
}

// peerCredentials is a transport without a handshake, as daprd's is, that tells
// each call which connection it came by.
type peerCredentials struct{}

var _ credentials.TransportCredentials = peerCredentials{}

type authInfo struct {
	credentials.CommonAuthInfo

	connection *connection
}

// AuthType implements credentials.AuthInfo.
func (authInfo) AuthType() string { return "peer" }

// ServerHandshake implements credentials.TransportCredentials.
func (peerCredentials) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, ok := c.(*connection)
	if !ok {
		return nil, nil, errors.New("pluggable: a connection of another listener")
	}
	return c, authInfo{
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity},
		connection:     conn,
	}, nil
}

// ClientHandshake implements credentials.TransportCredentials; a server has none.
func (peerCredentials) ClientHandshake(
	context.Context, string, net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("pluggable: not for clients")
}

// Info implements credentials.TransportCredentials.
func (peerCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "peer"}
}

// Clone implements credentials.TransportCredentials.
func (c peerCredentials) Clone() credentials.TransportCredentials { return c }

// OverrideServerName implements credentials.TransportCredentials.
func (peerCredentials) OverrideServerName(string) error { return nil }

// connectionOf returns the connection that a call came by.
func connectionOf(ctx context.Context) (*connection, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil, false
	}
	info, ok := p.AuthInfo.(authInfo)
	return info.connection, ok
}
