//go:build !nopidfd

package pluggable

import (
	"net"
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
	assert.False(t, copied.ended())
	require.NoError(t, child.Process.Kill())
	require.Eventually(t, copied.ended, waiting.Long, time.Millisecond)
	_ = child.Wait()
	assert.True(t, end.ended(), "reaped")
}

func pidfdOf(t *testing.T, c net.Conn) (end pidfd, inode uint64) {
	t.Helper()
	raw, err := c.(*net.UnixConn).SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) { end, inode = peerPidfd(int(fd)) }))
	require.NotEqual(t, noPidfd, end)
	return end, inode
}
