//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestTwoInstances uses two Components on one socket, each with stores of its own.
func TestTwoInstances(t *testing.T) {
	t.Parallel()
	one, two := newStores(t), newStores(t)
	for name, s := range map[string]*stores{"one": one, "two": two} {
		s.config(t, "same", `{"credentialSource":"agent","from":"secret"}`)
		s.secret(t, "secret", map[string]string{"value": name})
	}
	one.config(t, "only-in-one", `{}`)
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("one", one.metadata(nil)), credentials("two", two.metadata(nil)))
	for _, name := range []string{"one", "two", "one"} {
		entries, failure := side.get(t, name, "same")
		require.Empty(t, failure)
		require.Equal(t, name, entries["from"])
	}
	_, failure := side.get(t, "two", "only-in-one")
	require.Contains(t, failure, "code = NotFound")
}

// TestSecretKeyRef uses another component whose metadata contains a field of a credential: a
// state store.
func TestSecretKeyRef(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	database := filepath.Join(t.TempDir(), "app.db")
	s.config(t, "app-database", `{"credentialSource":"agent","secret-path":"bundle","file":"database_file"}`)
	s.secret(t, "bundle", map[string]string{"database_file": database})
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("credentials", s.metadata(map[string]any{"responseFormat": "json"})),
		resource{
			name: "app-state", kind: "state.sqlite", secretStore: "credentials",
			metadata: map[string]any{"connectionString": secretKeyRef{"app-database", "file"}},
		})
	resp, err := http.Post(side.daprd.URL("/v1.0/state/app-state"), "application/json", strings.NewReader(`[{"key":"k","value":1}]`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.FileExists(t, database)
}

// TestSecretsFileEdited edits the secrets while the component runs.
func TestSecretsFileEdited(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","password":"pw","user":"someone"}`)
	s.secret(t, "pw", map[string]string{"value": "old"})
	side := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", s.metadata(nil)))
	entries, _ := side.get(t, "credentials", "c")
	require.Equal(t, "old", entries["password"])

	s.secret(t, "pw", map[string]string{"value": "new"})
	entries, _ = side.get(t, "credentials", "c")
	require.Equal(t, "new", entries["password"], "want the rotated secret")

	delete(s.secrets, "pw")
	s.writeSecrets(t)
	_, failure := side.get(t, "credentials", "c")
	require.Contains(t, failure, "code = NotFound", "a known secret that has disappeared must not become a literal")

	require.NoError(t, os.WriteFile(s.path("secrets.json"), []byte(`{"pw": 5}`), 0o600))
	_, failure = side.get(t, "credentials", "c")
	require.Contains(t, failure, "code = FailedPrecondition", "values that contrib would change must be refused")

	s.secret(t, "pw", map[string]string{"value": "mended"})
	entries, failure = side.get(t, "credentials", "c")
	require.Empty(t, failure)
	require.Equal(t, "mended", entries["password"])
}

// TestSecretsFileAppears starts the component before its file of secrets exists.
func TestSecretsFileAppears(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "c", `{"credentialSource":"agent","password":"pw"}`)
	s.secret(t, "pw", map[string]string{"value": "here"})
	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("later.json")))
	side := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", s.metadata(nil)))

	answered := make(chan map[string]string)
	go func() {
		entries, _ := side.get(t, "credentials", "c")
		answered <- entries
	}()
	require.NoError(t, os.Rename(s.path("later.json"), s.path("secrets.json")))
	require.Equal(t, "here", (<-answered)["password"], "the request waited for the store")
}

// TestWrongMetadata checks what daprd says about a Component with wrong metadata.
func TestWrongMetadata(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	folder := socketFolder(t)
	startComponent(t, harness.ComponentOptions{SocketFolder: folder})
	tests := map[string]struct {
		metadata map[string]any
		want     string
	}{
		"an unknown name": {
			s.metadata(map[string]any{"configKy": "{guid}"}), `metadata configKy: is unknown (did you mean "configKey"?)`,
		},
		"an unknown field of a store": {
			s.metadata(map[string]any{"secretStore.secretFile": "x"}), `did you mean "secretsFile"?`,
		},
		"what daprd would do itself": {
			s.metadata(map[string]any{"keyPrefix": "none"}), `write it into configKey`,
		},
		"a value without its unit": {
			s.metadata(map[string]any{"cacheTTL": "60"}), `metadata cacheTTL: must be a duration with a unit`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			daprd := launchDaprd(t, folder, newResourceFolder(t, credentials("credentials", test.metadata)))
			requireEnds(t, daprd.Process, "daprd goes on with a Component that is wrong")
			require.Contains(t, strings.ReplaceAll(daprd.Log(), `\"`, `"`), test.want)
		})
	}
}
