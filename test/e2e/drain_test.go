//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestDrain sends SIGTERM to daprd and the component at the same time, as a kubelet does. daprd
// is configured to drain for a while. It must continue to get credentials, and the component
// must end after daprd.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	sockets := socketFolder(t)
	component := startComponent(t, harness.ComponentOptions{SocketFolder: sockets, Args: []string{"--shutdown-delay", "1h"}})
	daprd := startDaprd(t, sockets, newResourceFolder(t, credentials("credentials", s.metadata(nil))),
		"--dapr-block-shutdown-duration", "3s")
	requireServes(t, daprd)

	require.NoError(t, component.Signal(syscall.SIGTERM))
	require.NoError(t, daprd.Signal(syscall.SIGTERM))
	requireSaid(t, component, "still serving while daprd is connected")
	asked := 0
	for !ended(daprd.Process) {
		r, err := ask(t.Context(), daprd, "credentials", "c")
		if err != nil || strings.Contains(r.message, "code = Canceled desc = context canceled") {
			break // daprd no longer listens, or cancels its own calls
		}
		require.Equal(t, "s3cr3t", r.entries["password"], r.message)
		asked++
	}
	require.Greater(t, asked, 10)
	t.Logf("%d right answers after SIGTERM, none wrong or failed", asked)
	requireEnds(t, component.Process, "it has no daprd any more")
	require.NoError(t, component.Stop(), "want exit status 0")
	require.NoFileExists(t, filepath.Join(sockets, "credential-resolver.sock"))
}
