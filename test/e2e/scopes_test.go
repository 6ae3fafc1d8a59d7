//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// scopes writes a Dapr Configuration with scopes of secrets, and returns its path.
func scopes(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: scoped
spec:
  secrets:
    scopes:`+text), 0o600))
	return path
}

// TestScopes uses a Dapr Configuration that denies some credentials. daprd refuses them by
// their exact names and does not ask the component.
func TestScopes(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	for _, guid := range []string{"c-2", "C-2", "c-1", "c-22"} {
		s.config(t, guid, `{"it":"`+guid+`"}`)
	}
	sockets := socketFolder(t)
	metrics := startComponent(t, harness.ComponentOptions{SocketFolder: sockets, Metrics: true}).Metrics
	folder := newResourceFolder(t, credentials("allowing", s.metadata(nil)), credentials("denying", s.metadata(nil)))
	side := &sidecar{daprd: startDaprd(t, sockets, folder, "--config", scopes(t, `
      - storeName: allowing
        defaultAccess: deny
        allowedSecrets: ["c-2", "c-1"]
      - storeName: denying
        deniedSecrets: ["c-2"]
`))}
	for store, allowed := range map[string]map[string]bool{
		"allowing": {"c-1": true, "c-2": true, "C-2": false, "c-22": false},
		"denying":  {"c-1": true, "c-2": false, "C-2": true, "c-22": true},
	} {
		for guid, want := range allowed {
			before := metric(t, metrics, `credential_resolver_requests_total{code="OK"}`)
			r := side.ask(t, store, guid)
			asked := metric(t, metrics, `credential_resolver_requests_total{code="OK"}`) - before
			if want {
				require.Equal(t, guid, r.entries["it"], r.message)
				require.InDelta(t, 1, asked, 0)
				continue
			}
			require.Equal(t, reply{
				status: http.StatusForbidden, code: "ERR_PERMISSION_DENIED",
				message: `access denied by policy to get "` + guid + `" from "` + store + `"`,
			}, r)
			require.Zero(t, asked, "daprd must refuse without asking the component")
		}
	}
}
