package pluggable

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/peer"
)

func TestAProcessIsGoneOnceItHasEnded(t *testing.T) {
	child := StartChild(t, "child")
	pid := int32(child.Process.Pid)
	start, alive := startTime(pid)
	require.True(t, alive)
	require.NotZero(t, start)
	p := process{pid, start}

	assert.False(t, p.gone(), "it is alive")
	assert.False(t, process{pid: pid}.gone(), "it is alive, though nothing is known of its start")
	assert.True(t, process{pid, start - 1}.gone(), "a later process of the same pid is not the one that it was")

	require.NoError(t, child.Process.Kill())
	require.Eventually(t, p.gone, 20*time.Second, time.Millisecond, "a zombie has ended")
	_ = child.Wait()
	assert.True(t, p.gone(), "one that was reaped has ended")
}

func TestAProcessInAnotherNamespaceIsNeverKnownToBeGone(t *testing.T) {
	assert.False(t, process{}.gone())
}

func TestThePeerOfASocketIsItsProcess(t *testing.T) {
	l, err := net.Listen("unix", t.TempDir()+"/s")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	there, err := net.Dial("unix", l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = there.Close() }()
	here, err := l.Accept()
	require.NoError(t, err)

	ended := 0
	c := newConnection(here, func(*connection) { ended++ })
	own, _ := startTime(int32(os.Getpid()))
	assert.Equal(t, process{int32(os.Getpid()), own}, c.peer)
	require.NoError(t, c.Close())
	_ = c.Close()
	assert.Equal(t, 1, ended, "a connection ends once")
}

func TestAConnectionThatIsNoSocketHasNoPeer(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	assert.Equal(t, process{}, peerOf(here))
}

func TestCredentialsAreAServersAndOfItsOwnListener(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	var creds peerCredentials
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
