package pluggable

import (
	"math"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/peer"

	"credential-resolver/internal/owned/ownedtest"
	"credential-resolver/test/waiting"
)

func TestAVisibleProcessHasEndedOnceItIsGone(t *testing.T) {
	child := StartChild(t, "child")
	pid := int32(child.Process.Pid)
	start, alive := startTime(pid)
	require.True(t, alive)
	require.NotZero(t, start)
	p := process{pid: pid, start: start}

	assert.False(t, p.ended(noPidfd), "it is alive")
	assert.True(t, process{pid: pid, start: start - 1}.ended(noPidfd), "a later process with the same pid is another process")

	require.NoError(t, child.Process.Kill())
	require.Eventually(t, func() bool { return p.ended(noPidfd) }, waiting.Long, time.Millisecond, "a zombie has ended")
	_ = child.Wait()
	assert.True(t, p.ended(noPidfd), "a reaped process has ended")
}

func TestInvisibleProcessHasNotEnded(t *testing.T) {
	assert.False(t, process{uid: 1}.ended(noPidfd), "the single daprd of a user")
	assert.False(t, process{pidfd: 7}.ended(noPidfd), "a process of another PID namespace that has not come back")
	assert.True(t, process{connection: 7}.ended(noPidfd), "a connection ends with itself")
}

func TestThePeerOfASocketIsItsProcess(t *testing.T) {
	here, _ := socketPair(t)
	own, _ := startTime(int32(os.Getpid()))
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())

	p, end := new(identifier).identify(here)
	assert.Equal(t, process{uid: uid, gid: gid, pid: int32(os.Getpid()), start: own}, p)
	assert.Equal(t, noPidfd, end)

	single, _ := (&identifier{single: true}).identify(here)
	assert.Equal(t, process{uid: uid}, single, "all processes of a user are one")
}

func TestAPeerIsToldApartByItsGroupToo(t *testing.T) {
	gid := uint32(os.Getegid())
	if os.Geteuid() == 0 { // others have only their own groups
		gid = ownedtest.Stranger
	}
	l, err := net.Listen("unix", t.TempDir()+"/s")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	child := StartChildAs(t, &syscall.SysProcAttr{Credential: &syscall.Credential{
		Uid: uint32(os.Geteuid()), Gid: gid, NoSetGroups: true,
	}}, "child", "connect", l.Addr().String())
	c, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()

	p, _ := new(identifier).identify(c)

	start, _ := startTime(int32(child.Process.Pid))
	assert.Equal(t, process{uid: uint32(os.Geteuid()), gid: gid, pid: int32(child.Process.Pid), start: start}, p)
}

func TestUnidentifiedPeerIsItsConnection(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	var i identifier
	first, _ := i.identify(here)
	second, _ := i.identify(here)
	assert.Equal(t, process{uid: math.MaxUint32, gid: math.MaxUint32, connection: 1}, first)
	assert.NotEqual(t, first, second)
	assert.False(t, first.lasting())
	assert.Equal(t, uint32(math.MaxUint32), userOf(here), "it is not root")
	uid, gid, pid := peerCredentials(-1)
	assert.Equal(t, process{uid: math.MaxUint32, gid: math.MaxUint32}, process{uid: uid, gid: gid, pid: pid})
}

func TestProcessesHaveTextsOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range []process{
		{}, {uid: 1}, {gid: 1}, {pid: 1}, {start: 1}, {pidfd: 1}, {connection: 1}, {pid: 1, start: 2}, {pid: 12}, {uid: 1, gid: 2},
	} {
		assert.False(t, seen[p.id()], p)
		seen[p.id()] = true
	}
}

func TestAConnectionEndsOnce(t *testing.T) {
	here, _ := socketPair(t)
	ended := 0
	l := newListener(&oneConnection{conn: here}, false, nil, nil, func(c *connection) {
		ended++
		assert.True(t, c.ended.Load(), "a call that comes now must not use it")
	})
	c, err := l.Accept()
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_ = c.Close()
	assert.Equal(t, 1, ended)
	assert.Zero(t, l.all)
	assert.Zero(t, l.refused)
	assert.Empty(t, l.byPeer)
}

func TestTransportIsForServersAndItsListener(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	var creds transport
	_, _, err := creds.ServerHandshake(here)
	require.Error(t, err)
	_, _, err = creds.ClientHandshake(t.Context(), "", here)
	require.Error(t, err)
	assert.NotEmpty(t, creds.Info().SecurityProtocol)
	assert.Equal(t, creds, creds.Clone())

	_, ok := connectionOf(t.Context())
	assert.False(t, ok)
	_, ok = connectionOf(peer.NewContext(t.Context(), &peer.Peer{}))
	assert.False(t, ok)
}

// socketPair returns both ends of a connection over a unix socket.
func socketPair(t *testing.T) (here, there net.Conn) {
	t.Helper()
	l, err := net.Listen("unix", t.TempDir()+"/s")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	there, err = net.Dial("unix", l.Addr().String())
	require.NoError(t, err)
	here, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	return here, there
}

// oneConnection is a listener that returns one given connection.
type oneConnection struct {
	net.Listener

	conn net.Conn
}

func (l *oneConnection) Accept() (net.Conn, error) { return l.conn, nil }
