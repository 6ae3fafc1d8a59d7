//go:build e2e

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestStateFolder checks that the state of an instance is in the right folder, is private to
// its user, and disappears with its daprd.
func TestStateFolder(t *testing.T) {
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","password":"pw"}`)
	s.secret(t, "pw", map[string]string{"value": "right"})
	state := filepath.Join(t.TempDir(), "state")
	side := startSidecar(t, harness.ComponentOptions{StateDir: state}, credentials("credentials", s.metadata(nil)))
	entries, _ := side.get(t, "credentials", "c")
	require.Equal(t, "right", entries["password"])

	files := func() []string {
		paths, err := filepath.Glob(filepath.Join(state, "*", "*.json"))
		require.NoError(t, err)
		return paths
	}
	require.Len(t, files(), 1)
	info, err := os.Stat(files()[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	side.daprd.Kill()
	require.Eventually(t, func() bool { return len(files()) == 0 }, patience, tick, "the state must disappear with its daprd")
}

// TestWithoutStateFolder checks what users see if nothing can be remembered.
func TestWithoutStateFolder(t *testing.T) {
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","password":"pw"}`)
	s.secret(t, "pw", map[string]string{"value": "right"})
	o := harness.ComponentOptions{SocketFolder: socketFolder(t), StateDir: "/proc/none"}
	first := startComponent(t, o)
	requireSaid(t, first, "--state-dir")
	side := &sidecar{daprd: startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))}
	first.Kill()
	startComponent(t, o)

	var failure string
	require.Eventually(t, func() bool {
		_, failure = side.get(t, "credentials", "c")
		return !brokenConnection(failure)
	}, patience, tick)
	require.Contains(t, failure, "code = Unavailable")
	require.Contains(t, failure, "restart daprd")
	require.Contains(t, failure, "--state-dir")
}

// TestOtherPIDNamespace runs the component where it cannot see daprd's process, as in the
// containers of a pod.
func TestOtherPIDNamespace(t *testing.T) {
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","password":"pw"}`)
	s.secret(t, "pw", map[string]string{"value": "right"})
	o := harness.ComponentOptions{SocketFolder: socketFolder(t), OtherPIDs: true}
	first, err := tryComponent(t, o)
	if errors.Is(err, fs.ErrPermission) {
		t.Log("this system does not allow PID namespaces; the tests of package pluggable cover the rest")
		return
	}
	require.NoError(t, err)
	require.NoError(t, first.AwaitReady(t.Context()))
	side := &sidecar{daprd: startDaprd(t, o.SocketFolder, newResourceFolder(t, credentials("credentials", s.metadata(nil))))}
	entries, failure := side.get(t, "credentials", "c")
	require.Empty(t, failure)
	require.Equal(t, "right", entries["password"])
	requireSaid(t, first, "a process of another PID namespace")

	first.Kill()
	startComponent(t, o)
	require.Eventually(t, func() bool {
		entries, _ = side.get(t, "credentials", "c")
		return entries["password"] == "right"
	}, patience, tick)
}
