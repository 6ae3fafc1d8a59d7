//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// bulkAnswer is the HTTP API's answer to a bulk request.
type bulkAnswer map[string]map[string]string

// bulk requests all credentials over gRPC, as the Go SDK does.
func (s *sidecar) bulk(t *testing.T, store string, metadata map[string]string) (bulkAnswer, error) {
	t.Helper()
	return s.sdk(t).GetBulkSecret(t.Context(), store, metadata)
}

// listable returns stores with three credentials that resolve and one that does not. The folder
// also has files that are not credentials.
func listable(t *testing.T) *stores {
	t.Helper()
	s := newStores(t)
	s.config(t, "multi", `{"credentialSource":"agent","secret-path":"bundle","user":"u","password":"pw"}`)
	s.config(t, "single", `{"credentialSource":"agent","password":"one"}`)
	s.config(t, "direct", `{"host":"h"}`)
	s.config(t, "broken", `{"credentialSource":"agent","secret-path":"none"}`)
	require.NoError(t, os.WriteFile(s.path("configs/README.md"), []byte("no credential"), 0o600))
	require.NoError(t, os.WriteFile(s.path("configs/not a guid.json"), []byte(`{}`), 0o600))
	require.NoError(t, os.Mkdir(s.path("configs/deeper"), 0o755))
	require.NoError(t, os.WriteFile(s.path("configs/deeper/x.json"), []byte(`{}`), 0o600))
	s.secret(t, "bundle", map[string]string{"pw": "multi-pw"})
	s.secret(t, "one", map[string]string{"value": "single-pw"})
	s.secret(t, "direct", map[string]string{"password": "direct-pw"})
	return s
}

func TestBulk(t *testing.T) {
	t.Parallel()
	s := listable(t)
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("credentials", s.metadata(map[string]any{"allowBulk": "true"})),
		credentials("careful", s.metadata(nil)))

	all, err := side.bulk(t, "credentials", nil)
	require.NoError(t, err)
	require.Equal(t, bulkAnswer{
		"multi":  {"credentialSource": "agent", "secret-path": "bundle", "user": "u", "password": "multi-pw"},
		"single": {"credentialSource": "agent", "password": "single-pw"},
		"direct": {"host": "h", "password": "direct-pw"},
	}, all, "each as it is asked for by its GUID, less the one that cannot be resolved")
	requireSaid(t, side.component, `credential \"broken\"`)

	some, err := side.bulk(t, "credentials", map[string]string{"format": "json", "fields": "password"})
	require.NoError(t, err)
	require.Equal(t, bulkAnswer{
		"multi": {"_value": `{"password":"multi-pw"}`}, "single": {"_value": `{"password":"single-pw"}`},
		"direct": {"_value": `{"password":"direct-pw"}`},
	}, some)

	_, err = side.bulk(t, "careful", nil)
	require.ErrorContains(t, err, "code = PermissionDenied")
	require.ErrorContains(t, err, "allowBulk")

	require.NoError(t, os.Rename(s.path("secrets.json"), s.path("gone.json")))
	_, err = side.bulk(t, "credentials", nil)
	require.ErrorContains(t, err, "code = Unavailable", "a store that is down must fail the whole request")
}

// TestBulkOfTheEmbeddedStore lists credentials in SQLite. The key template contains all of
// LIKE's wildcards, and the database has other keys too.
func TestBulkOfTheEmbeddedStore(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(data, "secrets.json"), []byte(`{}`), 0o600))
	component := func(key string) resource {
		return credentials("credentials", map[string]any{
			"configStore.connectionString": filepath.Join(data, "c.db"), "configKey": key,
			"secretStore": "secretstores.local.file", "secretStore.secretsFile": filepath.Join(data, "secrets.json"),
			"allowBulk": "true",
		})
	}
	for key, guid := range map[string]string{
		`my_app%\||{guid}`: "mine", `my-app%\||{guid}`: "underscore", `my_appx\||{guid}`: "percent", `MY_APP%\||{guid}`: "capitals",
	} {
		putInto(t, component(key), data, guid, `{"a":"`+guid+`"}`)
	}
	side := startSidecar(t, harness.ComponentOptions{}, component(`my_app%\||{guid}`))
	all, err := side.bulk(t, "credentials", nil)
	require.NoError(t, err)
	require.Equal(t, bulkAnswer{"mine": {"a": "mine"}}, all)
}

// TestBulkScopes uses a Dapr Configuration that allows some credentials. daprd requests all of
// them from the component and then filters by name.
func TestBulkScopes(t *testing.T) {
	t.Parallel()
	s := listable(t)
	o := harness.ComponentOptions{SocketFolder: socketFolder(t)}
	startComponent(t, o)
	folder := newResourceFolder(t,
		credentials("credentials", s.metadata(map[string]any{"allowBulk": "true"})))
	config := scopes(t, `
      - storeName: credentials
        defaultAccess: deny
        allowedSecrets: ["multi", "broken", "none"]
`)
	side := &sidecar{daprd: startDaprd(t, o.SocketFolder, folder, "--config", config)}

	all, err := side.bulk(t, "credentials", nil)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "multi-pw", all["multi"]["password"])
	require.Equal(t, "ERR_PERMISSION_DENIED", side.ask(t, "credentials", "direct").code)
	require.Equal(t, "multi-pw", side.ask(t, "credentials", "multi").entries["password"])
}

// TestAllowedSecrets starts an instance that may use only some secrets.
func TestAllowedSecrets(t *testing.T) {
	t.Parallel()
	s := listable(t)
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("credentials", s.metadata(map[string]any{"allowedSecrets": "bun*, o?e", "allowBulk": "true"})))
	require.Equal(t, "multi-pw", side.ask(t, "credentials", "multi").entries["password"])
	require.Equal(t, "single-pw", side.ask(t, "credentials", "single").entries["password"])
	_, failure := side.get(t, "credentials", "direct")
	require.Contains(t, failure, "code = PermissionDenied")
	require.Contains(t, failure, "allowedSecrets")
	all, err := side.bulk(t, "credentials", nil)
	require.NoError(t, err)
	require.Len(t, all, 2)
}
