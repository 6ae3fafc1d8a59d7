package pluggable

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/internal/owned/ownedtest"
)

// TestSingleDaprdIsOneOfEachUser connects as another user, if this process may do so. The socket
// is abstract, because the folders of tests are private.
func TestSingleDaprdIsOneOfEachUser(t *testing.T) {
	uid := uint32(os.Geteuid())
	if uid == 0 {
		uid = ownedtest.Stranger
	}
	l, err := net.Listen("unix", fmt.Sprintf("@%s-%d", t.Name(), os.Getpid()))
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	connected, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its user
		_, _, _ = unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid))
		c, err := net.Dial("unix", l.Addr().String())
		if err == nil {
			defer func() { _ = c.Close() }()
		}
		connected <- err
		<-ended
	}()
	c, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, <-connected)
	defer close(ended)

	p, end := (&identifier{single: true}).identify(c)
	assert.Equal(t, process{uid: uid}, p)
	assert.Equal(t, noPidfd, end)
	assert.Equal(t, uid, userOf(c))
}
