package pluggable

import (
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"credential-resolver/internal/logtext"
)

func TestTheOwnUserRootAndNamedOnesMayCall(t *testing.T) {
	own := uint32(os.Geteuid())
	assert.Equal(t, []uint32{0, own}, allowedUsers(nil))
	assert.Equal(t, []uint32{0, own, 7, 8}, allowedUsers([]uint32{7, 8}))
}

func TestAStrangersConnectionIsClosedAfterManyCalls(t *testing.T) {
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	require.NoError(t, here.SetDeadline(time.Now().Add(20*time.Second)))
	log := &logtext.Text{}
	a := newAccess(log.Logger(t.Name()), nil)
	c := &connection{Conn: here, peer: process{uid: 7}}
	call := func() {
		_, err := a.check(peer.NewContext(t.Context(), &peer.Peer{AuthInfo: authInfo{connection: c}}), nil)
		require.Equal(t, codes.PermissionDenied, status.Code(err))
		require.ErrorContains(t, err, "the caller is uid 7")
		require.ErrorContains(t, err, "--allow-uid 7")
	}
	for range maxRefusedCalls - 1 {
		call()
	}
	go func() { _, _ = there.Write([]byte("x")) }()
	_, err := here.Read(make([]byte, 1))
	require.NoError(t, err, "it is open: a daprd is told why it is refused")
	call()
	_, err = here.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	assert.Equal(t, 1, strings.Count(log.String(), "level=warning"))

	_, err = a.check(t.Context(), nil)
	assert.Equal(t, codes.Internal, status.Code(err))
}

func TestStrangersDoNotKeepDaprdOut(t *testing.T) {
	here, _ := socketPair(t)
	l := newListener(&oneConnection{conn: here}, false, []uint32{uint32(os.Geteuid())}, (&logtext.Text{}).Logger(t.Name()), func(*connection) {})
	l.all, l.refused = maxRefusedConnections, maxRefusedConnections

	_, full := l.fullFor(here)
	require.False(t, full)
	c, err := l.Accept()

	require.NoError(t, err)
	assert.Equal(t, maxRefusedConnections, l.refused)
	assert.Equal(t, maxRefusedConnections+1, l.all)
	require.NoError(t, c.Close())
	assert.Equal(t, maxRefusedConnections, l.all)
}

func TestConnectionsOfAllPeersAreBounded(t *testing.T) {
	l := newListener(nil, false, nil, nil, func(*connection) {})
	var last *connection
	for i := range maxConnections {
		last = &connection{peer: process{uid: 1, connection: uint64(i + 1)}, allowed: true}
		require.True(t, l.count(last), "each is a peer of its own")
	}
	more := &connection{peer: process{uid: 2}, allowed: true}
	assert.False(t, l.count(more))
	l.uncount(last)
	assert.True(t, l.count(more))
}

func TestADaprdThatIsNotIdentifiedIsWarnedOf(t *testing.T) {
	log := &logtext.Text{}
	l := newListener(nil, false, nil, log.Logger(t.Name()), nil)
	l.warnOfUnknown(connected(process{uid: 1, pid: 1}))
	l.warnOfUnknown(connected(process{uid: 1, pidfd: 1}))
	l.warnOfUnknown(connected(process{uid: 1}))
	require.Empty(t, log.String())
	l.warnOfUnknown(connected(process{uid: 1, connection: 1}))
	assert.Contains(t, log.String(), "--single-daprd")
	assert.Contains(t, log.String(), "connection 1")
}

// slowConn is a connection whose peer does not read.
type slowConn struct {
	net.Conn

	writing chan struct{}
	release chan struct{}

	mu     sync.Mutex
	events []string
}

var _ net.Conn = (*slowConn)(nil)

func (c *slowConn) Write(p []byte) (int, error) {
	close(c.writing)
	<-c.release
	c.happened("written")
	return len(p), nil
}

func (c *slowConn) Read([]byte) (int, error) {
	c.happened("read")
	return 0, nil
}

func (c *slowConn) happened(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, what)
}

func TestNothingIsReadWhileThePeerDoesNotRead(t *testing.T) {
	slow := &slowConn{writing: make(chan struct{}), release: make(chan struct{})}
	c := &connection{Conn: slow}
	var all sync.WaitGroup
	all.Go(func() { _, _ = c.Write([]byte("answer")) })
	<-slow.writing
	all.Go(func() { _, _ = c.Read(nil) })
	for range 1000 { // until the Read waits
		runtime.Gosched()
	}
	close(slow.release)
	all.Wait()
	assert.Equal(t, []string{"written", "read"}, slow.events)
}
