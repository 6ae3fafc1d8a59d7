package pluggable

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// process is the one at the other end of a connection. Its start time tells it
// from a later process of the same pid. The zero value is a process in another
// pid namespace, of which nothing is known.
type process struct {
	pid   int32
	start uint64 // clock ticks since boot
}

// gone tells whether the process is known to have ended.
func (p process) gone() bool {
	if p.pid == 0 {
		return false
	}
	start, alive := startTime(p.pid)
	return !alive || p.start != 0 && start != p.start
}

// startTime reads when a process started: field 22 of its stat file (proc(5)). A
// zombie has ended.
func startTime(pid int32) (ticks uint64, alive bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/stat")
	if err != nil {
		return 0, !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.ESRCH)
	}
	// The command's name, in parentheses, may hold spaces and parentheses.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return 0, true
	}
	ticks, err = strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return 0, true
	}
	return ticks, fields[0] != "Z" && fields[0] != "X"
}

// connection is one accepted connection, with the process at its other end.
type connection struct {
	net.Conn

	peer  process
	onEnd func(*connection)
	end   sync.Once
}

func newConnection(c net.Conn, onEnd func(*connection)) *connection {
	return &connection{Conn: c, peer: peerOf(c), onEnd: onEnd}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.end.Do(func() { c.onEnd(c) })
	return err
}

// peerOf asks the kernel who is at the other end: SO_PEERCRED, unix(7).
func peerOf(c net.Conn) process {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return process{}
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return process{}
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || credErr != nil || cred.Pid == 0 {
		return process{}
	}
	start, _ := startTime(cred.Pid)
	return process{pid: cred.Pid, start: start}
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
