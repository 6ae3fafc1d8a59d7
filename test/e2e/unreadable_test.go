//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestUnreadableFiles makes a file unreadable for the component for a while, as an editor or an
// agent does that first writes a file and then sets its mode. Applications must get the last
// good answer.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	for _, folder := range []string{s.folder, filepath.Dir(s.folder)} {
		require.NoError(t, os.Chmod(folder, 0o755))
	}
	s.secret(t, "bundle", map[string]string{"password_key": "first"})
	s.config(t, "db", `{"credentialSource":"agent","secret-path":"bundle","password":"password_key"}`)
	o := harness.ComponentOptions{SocketFolder: socketFolder(t), Metrics: true}
	require.NoError(t, os.Chmod(o.SocketFolder, 0o755))
	if os.Getuid() == 0 { // root ignores file modes
		o.UID = ordinary()
		require.NoError(t, os.Chown(o.SocketFolder, int(o.UID), int(o.UID)))
	}
	component := startComponent(t, o)
	r := credentials("credentials", s.metadata(map[string]any{"cacheTTL": "500ms", "negativeCacheTTL": "1h"}))
	folder := newResourceFolder(t, r)
	side := &sidecar{component, startDaprd(t, o.SocketFolder, folder), o.SocketFolder, folder}
	password := func() string {
		entries, failure := side.get(t, "credentials", "db")
		require.Empty(t, failure)
		return entries["password"]
	}
	stale := func() float64 { return metric(t, component.Metrics, "credential_resolver_stale_answers_total") }
	require.Equal(t, "first", password())

	for _, path := range []string{s.path("secrets.json"), s.path("configs/db.json")} {
		before := stale()
		require.NoError(t, os.Chmod(path, 0))
		require.Eventually(t, func() bool {
			require.Equal(t, "first", password())
			return stale() > before
		}, patience, tick)
		_, failure := side.get(t, "credentials", "db", "refresh=true")
		require.Contains(t, failure, "code = Unavailable")
		require.NoError(t, os.Chmod(path, 0o644))
		require.Eventually(t, func() bool {
			_, failure := side.get(t, "credentials", "db", "refresh=true")
			return failure == ""
		}, patience, tick)
	}
	s.secret(t, "bundle", map[string]string{"password_key": "second"})
	require.Eventually(t, func() bool { return password() == "second" }, patience, tick)
}
