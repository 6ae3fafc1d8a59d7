//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// The database is restored, then removed, and then created again by "put", while daprd runs.
func TestDatabaseIsReplacedWhileTheComponentRuns(t *testing.T) {
	folder := t.TempDir()
	path, backup := filepath.Join(folder, "configs.db"), filepath.Join(folder, "backup.db")
	on := func(database string) resource {
		return credentials("credentials", map[string]any{
			"environment": "local", "configStore": "state.sqlite", "configStore.connectionString": database, "cacheTTL": "60s",
		})
	}
	putInto(t, on(backup), folder, "db", `{"host":"restored"}`)
	putInto(t, on(path), folder, "db", `{"host":"first"}`)
	s := startSidecar(t, harness.ComponentOptions{}, on(path))
	host := func() string {
		entries, failure := s.get(t, "credentials", "db", "refresh=true")
		require.Empty(t, failure)
		return entries["host"]
	}
	require.Equal(t, "first", host())
	putInto(t, on(path), folder, "db", `{"host":"edited"}`) // the change is in the write-ahead log
	require.Equal(t, "edited", host())

	require.NoError(t, os.Rename(backup, path))
	require.Equal(t, "restored", host())
	requireSaid(t, s.component, "the database file was replaced: opening the new one")

	require.NoError(t, os.Remove(path))
	_, failure := s.get(t, "credentials", "db", "refresh=true")
	require.Contains(t, failure, `code = Unavailable desc = credential "db": the config store is unavailable`)
	_, failure = s.get(t, "credentials", "never-stored")
	require.Contains(t, failure, "code = Unavailable", "a missing file must not mean a missing credential")
	requireSaid(t, s.component, "the database file is missing")
	entries, failure := s.get(t, "credentials", "db")
	require.Empty(t, failure)
	require.Equal(t, "restored", entries["host"], "want the last good answer, as for any store that is down")

	putInto(t, on(path), folder, "db", `{"host":"new"}`)
	require.Equal(t, "new", host())
	requireSaid(t, s.component, "the database file exists again")
}

// One secret that cannot be used must neither stop daprd from starting nor affect other
// credentials. The log must say what to do.
func TestUnusableSecretAffectsNothingElse(t *testing.T) {
	stores := newStores(t)
	stores.secrets["odd"] = map[string]any{"password": "canary", "port": 5432}
	stores.secret(t, "fine", map[string]string{"password": "p"})
	stores.config(t, "odd", `{"credentialSource":"agent","secret-path":"odd","password":"password"}`)
	stores.config(t, "fine", "\ufeff"+`{"credentialSource":"agent","secret-path":"fine","password":"password"}`)
	stores.config(t, "broken", "{\n\"a\": 1\n\"b\": 2}")
	s := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", stores.metadata(nil)))
	requireSaid(t, s.component, `secret \"odd\" of the file cannot be used: its entry \"port\" is not a string: write it as one, in quotes`)

	entries, failure := s.get(t, "credentials", "fine")
	require.Empty(t, failure)
	require.Equal(t, "p", entries["password"])
	_, failure = s.get(t, "credentials", "odd")
	require.Contains(t, failure, "code = FailedPrecondition")
	require.NotContains(t, failure, "port")
	requireSaid(t, s.component, `: in the secrets file, its entry \"port\" is not a string`)
	_, failure = s.get(t, "credentials", "broken")
	require.Contains(t, failure, "its config is not valid JSON")
	requireSaid(t, s.component, "its config is not valid JSON: line 3, column 1")
	require.NotContains(t, s.component.Log(), "canary")
}
