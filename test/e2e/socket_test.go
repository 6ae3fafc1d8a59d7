//go:build e2e

package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestLeftoverSocket shows a trap of daprd: it waits forever, without a message, for a socket
// that nobody serves. The component's next start must replace the socket, and daprd must
// continue.
func TestLeftoverSocket(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	sockets := socketFolder(t)
	killed := startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	killed.Kill()
	require.FileExists(t, filepath.Join(sockets, "credential-resolver.sock"))

	daprd := launchDaprd(t, sockets, newResourceFolder(t, credentials("credentials", s.metadata(nil))))
	require.Never(t, func() bool { return daprd.Ready(t.Context()) || ended(daprd.Process) }, 3*time.Second, 10*tick,
		"daprd does not wait for the socket any more")
	require.NotContains(t, daprd.Log(), "level=error", "daprd must wait without a message")

	startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	require.NoError(t, daprd.AwaitReady(t.Context()))
	requireServes(t, daprd)
}

// TestLiveSocket starts a second component. It must refuse to replace the socket of the first
// one, which must keep serving.
func TestLiveSocket(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	sockets := socketFolder(t)
	startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	daprd := startDaprd(t, sockets, newResourceFolder(t, credentials("credentials", s.metadata(nil))))

	require.Contains(t, refusedStart(t, sockets), "another process already serves ")
	requireServes(t, daprd)
	another := startDaprd(t, sockets, newResourceFolder(t, credentials("credentials", s.metadata(nil))))
	requireServes(t, another)
}

// TestForeignLiveSocket checks that the component does not replace the socket of a program that
// knows nothing about the component's lock.
func TestForeignLiveSocket(t *testing.T) {
	t.Parallel()
	sockets := socketFolder(t)
	listener, err := net.Listen("unix", filepath.Join(sockets, "credential-resolver.sock"))
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	require.Contains(t, refusedStart(t, sockets), "another process already serves ")
	c, err := net.Dial("unix", listener.Addr().String())
	require.NoError(t, err, "the socket must still exist")
	require.NoError(t, c.Close())
}

// TestFileInTheWay puts a regular file at the socket's path.
func TestFileInTheWay(t *testing.T) {
	t.Parallel()
	sockets := socketFolder(t)
	path := filepath.Join(sockets, "credential-resolver.sock")
	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	require.Contains(t, refusedStart(t, sockets), path+" exists and is not a socket: remove it")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
}

// TestFileBeside puts a regular file beside the component's socket. daprd must warn about it.
func TestFileBeside(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	sockets := socketFolder(t)
	require.NoError(t, os.WriteFile(filepath.Join(sockets, "a-note.txt"), nil, 0o600))
	startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	daprd := startDaprd(t, sockets, newResourceFolder(t, credentials("credentials", s.metadata(nil))))
	requireSaidTimes(t, daprd, 1, "could not use socket for file ") // and not for the folder with our lock
	requireSaid(t, daprd, "a-note.txt")
	requireServes(t, daprd)
}

// refusedStart starts the component, which must refuse to start, and returns its output.
func refusedStart(t *testing.T, sockets string) string {
	t.Helper()
	cmd := exec.Command(resolverBinary(t), "serve")
	cmd.Env = append(os.Environ(), "DAPR_COMPONENTS_SOCKETS_FOLDER="+sockets)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "want an exit status that is not 0")
	require.Equal(t, 1, exit.ExitCode())
	return string(out)
}
