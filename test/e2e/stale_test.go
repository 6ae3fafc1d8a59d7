//go:build e2e

package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestReconcileWhileAStoreIsDown lets daprd fetch the secrets of other components while our
// store is down. The components must keep their values, and an application must get the
// failure.
func TestReconcileWhileAStoreIsDown(t *testing.T) {
	t.Parallel()
	s := separators(t, ".")
	sockets := socketFolder(t)
	component := startComponent(t, harness.ComponentOptions{SocketFolder: sockets, Metrics: true})
	metrics := component.Metrics
	folder := newResourceFolder(t, credentials("credentials", s.metadata(nil)),
		flattener(t, "dependent", secretKeyRef{"format", "sep"}))
	side := &sidecar{component, startDaprd(t, sockets, folder, reconcileOften...), sockets, folder}
	require.Equal(t, ".", separatorOf(t, side, "dependent"))

	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("gone.json")))
	stale := func() float64 { return metric(t, metrics, "credential_resolver_stale_answers_total") }
	require.Eventually(t, func() bool { return stale() >= 3 }, patience, 5*tick, "daprd has not asked")
	_, failure := side.get(t, "credentials", "format")
	require.Contains(t, failure, "code = Unavailable")
	require.Equal(t, ".", separatorOf(t, side, "dependent"))
	require.Zero(t, count(side.daprd, "Closing existing Component to reload: dependent"))

	s.secret(t, "sep-name", map[string]string{"value": "-"})
	require.Eventually(t, func() bool { return separatorOf(t, side, "dependent") == "-" }, patience, 5*tick)
}
