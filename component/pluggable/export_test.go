package pluggable

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// ForgetGone and CloseIdle are what the server does every ten seconds.
func (s *Server[S]) ForgetGone() { s.dropGone() }
func (s *Server[S]) CloseIdle()  { s.closeIdle() }

// Instances returns how many instances the server keeps.
func (s *Server[S]) Instances() int {
	s.stores.mu.RLock()
	defer s.stores.mu.RUnlock()
	return len(s.stores.byKey)
}

// Connections returns how many connections use the instances of a name.
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

// The bounds on what one peer can take.
const (
	MaxPeerInstances      = maxPeerInstances
	MaxInit               = maxInit
	MaxPeerState          = maxPeerState
	MaxPeerConnections    = maxPeerConnections
	MaxRefusedConnections = maxRefusedConnections
	MaxStreams            = maxStreams
	MaxHeaders            = maxHeaders
)

// RefuseEverybody has a server that does not run yet answer nobody, this process's own
// user included.
func (s *Server[S]) RefuseEverybody() { s.allowed = nil }

const childVariable = "PLUGGABLE_TEST_CHILD"

// IsChild tells whether this process was started by StartChild.
func IsChild() bool { return os.Getenv(childVariable) != "" }

// ChildEnvironment is what makes a child of the test binary.
func ChildEnvironment() []string { return append(os.Environ(), childVariable+"=1") }

// Child is another process, which ends with its input.
type Child struct {
	*exec.Cmd

	Stdin  io.WriteCloser
	Stdout io.Reader
}

// StartChild runs the test binary again, under a name of its own.
func StartChild(t *testing.T, name string, args ...string) *Child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	alias := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Symlink(self, alias))

	c := &Child{Cmd: exec.Command(alias, args...)}
	c.Env = ChildEnvironment()
	c.Stderr = os.Stderr
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
