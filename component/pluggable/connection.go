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

// connection is one accepted connection, with the process at its other end.
type connection struct {
	net.Conn

	peer    process
	pid     int32        // of the peer; 0 if it is in another PID namespace
	pidfd   pidfd        // of the peer; noPidfd unless the pidfd identifies the peer
	allowed bool         // whether peer's user may call
	refused atomic.Int32 // number of refused calls
	writing sync.Mutex   // held during a Write
	onEnd   func(*connection)
	end     sync.Once
	ended   atomic.Bool // set before onEnd is called
}

// Read implements net.Conn. It waits for a running Write, so that we read nothing from a
// peer that does not read its answers. gRPC buffers the answers to calls that it refuses
// without a limit, and does not count them as calls under way.
func (c *connection) Read(p []byte) (int, error) {
	c.writing.Lock()
	c.writing.Unlock() //nolint:staticcheck // it only waits
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *connection) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.end.Do(func() {
		c.ended.Store(true)
		c.onEnd(c)
		c.pidfd.close()
	})
	return err
}

// transport is gRPC's transport without a handshake, as daprd dials it. It tells each call
// on which connection it arrived.
type transport struct{}

var _ credentials.TransportCredentials = transport{}

type authInfo struct {
	credentials.CommonAuthInfo

	connection *connection
}

// AuthType implements credentials.AuthInfo.
func (authInfo) AuthType() string { return "peer" }

// ServerHandshake implements credentials.TransportCredentials.
func (transport) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, ok := c.(*connection)
	if !ok {
		return nil, nil, errors.New("pluggable: a connection of another listener")
	}
	return c, authInfo{
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity},
		connection:     conn,
	}, nil
}

// ClientHandshake implements credentials.TransportCredentials. It always fails, because only
// a server uses this transport.
func (transport) ClientHandshake(
	context.Context, string, net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("pluggable: not for clients")
}

// Info implements credentials.TransportCredentials.
func (transport) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "peer"}
}

// Clone implements credentials.TransportCredentials.
func (t transport) Clone() credentials.TransportCredentials { return t }

// OverrideServerName implements credentials.TransportCredentials.
func (transport) OverrideServerName(string) error { return nil }

// connectionOf returns the connection on which a call arrived. It returns false if this
// package did not accept the connection.
func connectionOf(ctx context.Context) (*connection, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil, false
	}
	info, ok := p.AuthInfo.(authInfo)
	return info.connection, ok
}
