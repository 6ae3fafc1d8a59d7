//go:build e2e && cloud

package e2e

import (
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/test/harness"
)

// gcpCanary is in the value of every secret, and in the key of the component.
const gcpCanary = "canary-of-gcp-91fe"

const gcpRow = "secretstores.gcp.secretmanager"

// TestCloudSecretManagerOfGoogle runs the store on a fake that implements Google's own interface. The
// component logs in to it with the key of a service account, over TLS.
func TestCloudSecretManagerOfGoogle(t *testing.T) {
	t.Parallel()
	authority, err := gcptest.NewAuthority()
	require.NoError(t, err)
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(trusted, authority.PEM, 0o600))
	logins := httptest.NewUnstartedServer(&gcptest.Tokens{})
	logins.TLS = authority.Server
	logins.StartTLS()
	t.Cleanup(logins.Close)
	manager, err := gcptest.NewSecretManager(authority.Server, "token-of-key")
	require.NoError(t, err)
	t.Cleanup(manager.Stop)
	key, err := gcptest.NewPrivateKey()
	require.NoError(t, err)

	manager.Put("team-db", `{"user":"reader","password":"`+gcpCanary+`","port":5432}`)
	manager.Put("api-key", gcpCanary)
	manager.Put("bytes", "\x00\xff")
	manager.Put("rotated", "first")
	manager.Put("rotated", "second")
	manager.Alias("rotated", "blue", 1)
	for name, state := range map[string]secretmanagerpb.SecretVersion_State{
		"destroyed": secretmanagerpb.SecretVersion_DESTROYED, "disabled": secretmanagerpb.SecretVersion_DISABLED,
	} {
		manager.Put(name, gcpCanary)
		manager.SetState(name, 1, state)
	}
	manager.Deny("denied")
	configs := newStores(t)
	configs.config(t, "bundle", `{"credentialSource":"agent","secret-path":"team-db","user":"user","password":"password","port":"port"}`)
	configs.config(t, "single", `{"credentialSource":"agent","api_key":"api-key","password":"p@ss: word","host":"db.example.com:5432","x":"nothing"}`)
	configs.config(t, "explicit", `{"credential-resolver":{"references":"explicit"},"old":{"secretKeyRef":{"name":"rotated","version":1}},
		"blue":{"secretKeyRef":{"name":"rotated","version":"blue"}},"now":"${rotated}","full":"${projects/my-project/secrets/rotated}",
		"bytes":"${bytes|base64}"}`)
	configs.config(t, "bytes", `{"credentialSource":"agent","api_key":"bytes"}`)
	configs.config(t, "no-version", `{"credential-resolver":{"references":"explicit"},"x":{"secretKeyRef":{"name":"rotated","version":9}}}`)
	for _, name := range []string{"missing", "destroyed", "disabled", "denied"} {
		configs.config(t, "bundle-"+name, `{"credentialSource":"agent","secret-path":"`+name+`","password":"password"}`)
		configs.config(t, "single-"+name, `{"credentialSource":"agent","api_key":"api-key","password":"`+name+`"}`)
	}
	component := func(name string, changes map[string]any) resource {
		metadata := storeFile(t, gcpRow)
		maps.Copy(metadata, map[string]any{
			"configStore": "bindings.localstorage", "configStore.rootPath": configs.path("configs"), "configKey": "{guid}.json",
			"allowedSecrets": "*", "secretStore.endpoint": "https://" + manager.Address, "secretStore.private_key_id": gcpCanary,
			"secretStore.private_key": key, "secretStore.client_email": gcpCanary + "@my-project.iam.gserviceaccount.com",
			"secretStore.token_uri": logins.URL + "/token",
		})
		maps.Copy(metadata, changes)
		return credentials(name, metadata)
	}
	side := startSidecar(t, harness.ComponentOptions{Env: []string{"SSL_CERT_FILE=" + trusted}},
		component("c", nil), component("probing", map[string]any{"deniedProbe": "literal"}))
	var seen []string
	get := func(component, guid string) (map[string]string, string) {
		entries, failure := side.get(t, component, guid)
		seen = append(seen, failure)
		return entries, failure
	}
	answers := func(component, guid string) map[string]string {
		entries, failure := get(component, guid)
		require.Empty(t, failure)
		return entries
	}
	fails := func(guid, what string, code codes.Code) {
		entries, failure := get("c", guid)
		require.Empty(t, entries)
		sees(t, gcpRow, what, seenCode(t, failure))
		require.Equal(t, code.String(), seenCode(t, failure), what)
	}
	got := answers("c", "bundle")
	require.Equal(t, []string{"reader", gcpCanary, "5432"}, []string{got["user"], got["password"], got["port"]})
	got = answers("c", "single")
	require.Equal(t, []string{gcpCanary, "p@ss: word", "db.example.com:5432", "nothing"}, []string{got["api_key"], got["password"], got["host"], got["x"]})
	require.Equal(t, map[string]string{"old": "first", "blue": "first", "now": "second", "full": "second", "bytes": "AP8="}, answers("c", "explicit"))
	for _, name := range []string{"missing", "destroyed"} {
		fails("bundle-"+name, "bundle "+name, codes.NotFound)
		require.Equal(t, name, answers("c", "single-"+name)["password"], "want a literal")
		sees(t, gcpRow, "single-key "+name+": a literal", codes.OK.String())
	}
	for _, mode := range []string{"bundle", "single"} {
		fails(mode+"-disabled", "disabled", codes.FailedPrecondition)
		fails(mode+"-denied", "name refused", codes.PermissionDenied)
	}
	require.Equal(t, "denied", answers("probing", "single-denied")["password"], "want a literal")
	fails("bytes", "value that is not UTF-8", codes.FailedPrecondition)
	fails("no-version", "version of a reference: not there", codes.NotFound)

	manager.Stop()
	fails("bundle-missing", "unreachable", codes.Unavailable)
	require.NoError(t, manager.Start())
	require.Eventually(t, func() bool {
		_, failure := get("c", "explicit")
		return failure == ""
	}, patience, tick)
	sees(t, gcpRow, "reachable again", codes.OK.String())
	require.NotContains(t, strings.Join(seen, "\n")+side.component.Log(), gcpCanary)
	require.NotContains(t, side.component.Log(), "team-db")
}
