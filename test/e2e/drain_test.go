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

// TestDrain sends SIGTERM to daprd and the component at once, as a kubelet does, while
// daprd has been told to go on for a while: it goes on with credentials, and the
// component ends with it.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	sockets := socketFolder(t)
	component, err := harness.StartComponent(t.Context(), harness.ComponentOptions{
		Binary: resolverBinary(t), SocketFolder: sockets, Args: []string{"--shutdown-delay", "1h"},
	})
	require.NoError(t, err)
	t.Cleanup(component.Kill)
	daprd := startDaprd(t, sockets, newResourceFolder(t, credentials("credentials", s.metadata(nil))),
		"--dapr-block-shutdown-duration", "3s")
	requireServes(t, daprd)

	require.NoError(t, component.Signal(syscall.SIGTERM))
	require.NoError(t, daprd.Signal(syscall.SIGTERM))
	requireSaid(t, component, "told to end")
	asked := 0
	for !ended(daprd.Process) {
		r, err := ask(t.Context(), daprd, "credentials", "c")
		if err != nil || strings.Contains(r.message, "code = Canceled desc = context canceled") {
			break // daprd listens no more, or ends its own calls
		}
		require.Equal(t, "s3cr3t", r.entries["password"], r.message)
		asked++
	}
	require.Greater(t, asked, 10)
	t.Logf("%d right answers after SIGTERM, none wrong or failed", asked)
	requireEnds(t, component.Process, "it has no daprd any more")
	require.NoError(t, component.Stop(), "exit status 0")
	require.NoFileExists(t, filepath.Join(sockets, "credential-resolver.sock"))
}
