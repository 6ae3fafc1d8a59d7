//go:build e2e && stores

package e2e

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStoreVaultCached uses the default cache with Vault. Many requests must cause one read,
// refresh must show a rotation, and an outage of Vault must not be visible.
func TestStoreVaultCached(t *testing.T) { onEachVault(t, vaultCached) }

func vaultCached(t *testing.T, v *vaultStore) {
	v.start(t, v.component(t, "cached", map[string]any{"cacheTTL": "60s"}),
		v.component(t, "brief", map[string]any{"cacheTTL": "1s"}))
	defer v.requireSilence(t)

	before := v.reads(t)
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			r, err := ask(t.Context(), v.side.daprd, "cached", "analytics-db")
			assert.NoError(t, err)
			assert.Equal(t, vaultCanary, r.entries["password"], r.message)
		})
	}
	group.Wait()
	require.Equal(t, 1, v.reads(t)-before, "reads in Vault's own audit log")

	fresh := func(metadata ...string) map[string]string {
		entries, failure := v.side.get(t, "cached", "analytics-db", metadata...)
		require.Empty(t, failure)
		return entries
	}
	first := fresh("fingerprint=true")
	rotated := map[string]any{"db_password_key": vaultCanary + "-rotated", "ssl_cert_key": vaultCanary}
	v.write(t, "secret", "analytics-db", rotated)
	require.Equal(t, first, fresh("fingerprint=true"))
	require.Eventually(t, func() bool { // at most once a second
		return fresh("rejected=" + first["_fingerprint"])["password"] == vaultCanary+"-rotated"
	}, patience, tick)
	v.write(t, "secret", "analytics-db", map[string]any{"db_password_key": vaultCanary, "ssl_cert_key": vaultCanary})
	require.Equal(t, vaultCanary, fresh("refresh=true")["password"])

	require.Equal(t, vaultCanary, v.answers(t, "brief", "analytics-db")["password"])
	require.NoError(t, v.Stop())
	require.Eventually(t, func() bool {
		require.Equal(t, vaultCanary, v.answers(t, "brief", "analytics-db")["password"])
		return contains(v.side.component, "answered with the last good credential")
	}, patience, tick)
	_, failure := v.side.get(t, "brief", "analytics-db", "refresh=true")
	require.Contains(t, failure, "code = Unavailable", "a refresh request must not get an old answer")
}

// reads returns the number of reads of secrets in the server's audit log.
func (v *vaultStore) reads(t *testing.T) int {
	t.Helper()
	n, err := v.Reads("secret/data/")
	require.NoError(t, err)
	return n
}
