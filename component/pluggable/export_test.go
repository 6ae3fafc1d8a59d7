package pluggable

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// ForgetGone and CloseIdle run what the server runs every ten seconds.
func (s *Server[S]) ForgetGone() { s.dropGone() }
func (s *Server[S]) CloseIdle()  { s.closeIdle() }

// HasEnded returns whether a process of a pid, which started at a time, counts as ended.
func HasEnded(pid int, start uint64) bool {
	return process{pid: int32(pid), start: start}.ended(noPidfd)
}

// Instances returns how many instances the server holds.
func (s *Server[S]) Instances() int {
	s.stores.mu.RLock()
	defer s.stores.mu.RUnlock()
	return len(s.stores.byKey)
}

// Connections returns how many connections use the instances with a name.
func (s *Server[S]) Connections(name string) int {
	s.stores.mu.RLock()
	defer s.stores.mu.RUnlock()
	n := 0
	for key, in := range s.stores.byKey {
		if key.name == name {
			in.mu.Lock()
			n += len(in.users)
			in.mu.Unlock()
		}
	}
	return n
}

// The limits for one peer.
const (
	MaxPeerInstances      = maxPeerInstances
	MaxInit               = maxInit
	MaxPeerState          = maxPeerState
	MaxPeerConnections    = maxPeerConnections
	MaxRefusedConnections = maxRefusedConnections
	MaxStreams            = maxStreams
	MaxHeaders            = maxHeaders
)

// RefuseEverybody makes a server that has not started refuse every user, including the one of
// this process.
func (s *Server[S]) RefuseEverybody() { s.allowed = nil }

const childVariable = "PLUGGABLE_TEST_CHILD"

// IsChild reports whether StartChild started this process.
func IsChild() bool { return os.Getenv(childVariable) != "" }

// ChildEnvironment returns the environment that makes the test binary run as a child.
func ChildEnvironment() []string { return append(os.Environ(), childVariable+"=1") }

// Child is another process. It exits when its standard input closes.
type Child struct {
	*exec.Cmd

	Stdin  io.WriteCloser
	Stdout io.Reader
}

// StartChild runs the test binary again, under another name.
func StartChild(t *testing.T, name string, args ...string) *Child {
	t.Helper()
	return StartChildAs(t, nil, name, args...)
}

// StartChildAs is like StartChild, for a process with other attributes.
func StartChildAs(t *testing.T, attributes *syscall.SysProcAttr, name string, args ...string) *Child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	alias := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Symlink(self, alias))

	c := &Child{Cmd: exec.Command(alias, args...)}
	c.Env = ChildEnvironment()
	c.Stderr = os.Stderr
	c.SysProcAttr = attributes
	c.Stdin, err = c.StdinPipe()
	require.NoError(t, err)
	c.Stdout, err = c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c
}
