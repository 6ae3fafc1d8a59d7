//go:build !nopidfd

package pluggable

import (
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/test/waiting"
)

func TestAPidfdTellsAProcessAndItsEnd(t *testing.T) {
	here, _ := socketPair(t)
	again, _ := socketPair(t)
	own, inode := pidfdOf(t, here)
	defer own.close()
	other, sameInode := pidfdOf(t, again)
	other.close()
	assert.NotZero(t, inode)
	assert.Equal(t, inode, sameInode, "two connections of one process")
	assert.False(t, own.ended())

	child := StartChild(t, "child")
	fd, err := unix.PidfdOpen(child.Process.Pid, 0)
	require.NoError(t, err)
	end := pidfd(fd)
	defer end.close()
	copied := end.dup()
	defer copied.close()
	assert.NotEqual(t, end, copied)
	assert.False(t, copied.ended())
	for _, fd := range []pidfd{own, copied} {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		require.NoError(t, err)
		assert.Equal(t, unix.FD_CLOEXEC, flags, "no other program gets it")
	}
	require.NoError(t, child.Process.Kill())
	require.Eventually(t, copied.ended, waiting.Long, time.Millisecond)
	_ = child.Wait()
	assert.True(t, end.ended(), "reaped")
}

// TestAPeerInAnotherNamespaceIsKnownByItsPidfd has a daprd that only its pidfd identifies: its
// instance stays while the daprd lives, and goes with it.
func TestAPeerInAnotherNamespaceIsKnownByItsPidfd(t *testing.T) {
	child := StartChild(t, "child")
	fd, err := unix.PidfdOpen(child.Process.Pid, 0)
	require.NoError(t, err)
	var stat unix.Stat_t
	require.NoError(t, unix.Fstat(fd, &stat))
	peer := process{uid: 1, pidfd: stat.Ino}
	others := descriptors(t, stat.Ino) - 1 // os.Process has one
	here, _ := socketPair(t)
	s := newNothings()
	defer s.close()
	c := &connection{Conn: here, peer: peer, pidfd: pidfd(fd), onEnd: s.connectionEnded}
	require.NoError(t, s.initialise(t.Context(), c, "c", nil))

	require.NoError(t, c.Close())
	s.dropGone()
	require.Len(t, s.byKey, 1, "it lives, and may connect again")
	assert.Equal(t, others+1, descriptors(t, stat.Ino), "the instance has one, the connection none")

	require.NoError(t, child.Process.Kill())
	require.Eventually(t, func() bool {
		s.dropGone()
		return len(s.byKey) == 0
	}, 20*time.Second, time.Millisecond)
	assert.Equal(t, others, descriptors(t, stat.Ino))
}

func TestADroppedInstanceKeepsNoPidfd(t *testing.T) {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	require.NoError(t, err)
	own := pidfd(fd)
	defer own.close()
	c := &connection{peer: process{pidfd: 7}, pidfd: own}
	in, store := opened(c.peer)
	in.drop()
	in.put(counted(store), c, nil) // by a call that was under way
	assert.Equal(t, noPidfd, in.pidfd)
}

func TestTheDescriptorOfAVisiblePeerIsClosed(t *testing.T) {
	here, _ := socketPair(t)
	own, inode := pidfdOf(t, here)
	own.close()
	_, end := new(identifier).identify(here)
	assert.Equal(t, noPidfd, end)
	assert.Zero(t, descriptors(t, inode))
}

// descriptors returns how many pidfds of a process this process has open.
func descriptors(t *testing.T, inode uint64) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	n := 0
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		require.NoError(t, err)
		var fs unix.Statfs_t
		var stat unix.Stat_t
		if unix.Fstatfs(fd, &fs) == nil && fs.Type == unix.PID_FS_MAGIC && unix.Fstat(fd, &stat) == nil && stat.Ino == inode {
			n++
		}
	}
	return n
}

func pidfdOf(t *testing.T, c net.Conn) (end pidfd, inode uint64) {
	t.Helper()
	raw, err := c.(*net.UnixConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { end, inode = peerPidfd(int(fd)) }))
	require.NotEqual(t, noPidfd, end)
	return end, inode
}
