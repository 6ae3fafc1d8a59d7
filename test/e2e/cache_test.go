//go:build e2e

package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestCache edits, breaks and repairs a file of secrets. It uses the default cache and a cache
// with a short TTL.
func TestCache(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.secret(t, "bundle", map[string]string{"password_key": "first"})
	s.config(t, "db", `{"credentialSource":"agent","secret-path":"bundle","password":"password_key"}`)
	side := startSidecar(t, harness.ComponentOptions{Metrics: true},
		credentials("default", s.metadata(map[string]any{"cacheTTL": "1h"})),
		credentials("brief", s.metadata(map[string]any{"cacheTTL": "500ms", "negativeCacheTTL": "500ms"})))
	password := func(component string, metadata ...string) string {
		entries, failure := side.get(t, component, "db", metadata...)
		require.Empty(t, failure)
		return entries["password"]
	}
	hits := func() float64 { return metric(t, side.component.Metrics, "credential_resolver_cache_hits_total") }

	require.Equal(t, "first", password("default"))
	require.Equal(t, "first", password("brief"))
	before := hits()
	s.secret(t, "bundle", map[string]string{"password_key": "second"})
	require.Equal(t, "first", password("default"), "want a cache hit")
	require.InDelta(t, before+1, hits(), 0)
	require.Eventually(t, func() bool { return password("brief") == "second" }, patience, tick)
	require.Equal(t, "second", password("default", "refresh=true"))
	require.Equal(t, "second", password("default"), "the refresh must update the cache")

	_, failure := side.get(t, "brief", "later")
	require.Contains(t, failure, "code = NotFound")
	s.config(t, "later", `{"credentialSource":"agent","secret-path":"bundle","password":"password_key"}`)
	require.Eventually(t, func() bool {
		_, failure := side.get(t, "brief", "later")
		return failure == ""
	}, patience, tick, "a failure is not kept for long")

	require.NoError(t, os.WriteFile(s.path("secrets.json"), []byte("{"), 0o600))
	stale := func() float64 { return metric(t, side.component.Metrics, "credential_resolver_stale_answers_total") }
	require.Eventually(t, func() bool {
		require.Equal(t, "second", password("brief"), "want the last good answer while the store is down")
		return stale() > 0
	}, patience, tick)
	_, failure = side.get(t, "brief", "db", "refresh=true")
	require.Contains(t, failure, "code = Unavailable", "a refresh request must not get an old answer")
	requireSaidTimes(t, side.component, 1, "; answered with the last good credential") // not a line per answer

	s.secret(t, "bundle", map[string]string{"password_key": "third"})
	require.Eventually(t, func() bool { return password("brief") == "third" }, patience, tick, "the store is back, but the answer is not new")
}
