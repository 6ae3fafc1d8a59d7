//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/test/harness"
)

// sidecar is a daprd with our component beside it, as an application has them.
type sidecar struct {
	component *harness.Component
	daprd     *harness.Daprd
}

// resource is a Component YAML: its name, type and metadata, each value as text
// or, for a reference to a secret, as a secretKeyRef.
type resource struct {
	name, kind  string
	metadata    map[string]any
	secretStore string // auth.secretStore
}

type secretKeyRef struct{ name, key string }

// credentials is the usual component under test: the given metadata of ours.
func credentials(name string, metadata map[string]any) resource {
	return resource{name: name, kind: "secretstores.credential-resolver", metadata: metadata}
}

// startSidecar starts the component and then daprd with the resources.
func startSidecar(t *testing.T, o harness.ComponentOptions, resources ...resource) *sidecar {
	t.Helper()
	if o.Binary == "" {
		o.Binary = binary(t, "CREDENTIAL_RESOLVER", "credential-resolver-race")
	}
	o.SocketFolder = socketFolder(t)
	component, err := harness.StartComponent(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, component.Stop(), "the component ends with exit status 0:\n%s", component.Log())
		require.NotContains(t, component.Log(), "DATA RACE")
	})
	return &sidecar{component, startDaprd(t, o.SocketFolder, resources...)}
}

// startDaprd starts daprd with the resources.
func startDaprd(t *testing.T, sockets string, resources ...resource) *harness.Daprd {
	t.Helper()
	folder := t.TempDir()
	for _, r := range resources {
		require.NoError(t, os.WriteFile(filepath.Join(folder, r.name+".yaml"), []byte(r.yaml()), 0o600))
	}
	daprd, err := harness.StartDaprd(t.Context(), harness.DaprdOptions{
		Binary: binary(t, "DAPRD", "daprd"), SocketFolder: sockets, ResourcesPath: folder,
	})
	require.NoError(t, err)
	t.Cleanup(daprd.Kill)
	return daprd
}

func binary(t *testing.T, variable, name string) string {
	t.Helper()
	path, err := harness.Binary(variable, "../..", name)
	require.NoError(t, err)
	return path
}

// socketFolder is a folder whose path is short enough for a socket.
func socketFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "cr-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o777)) // one test's component is another user
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

func (r resource) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: %q\n", r.name)
	fmt.Fprintf(&b, "spec:\n  type: %s\n  version: v1\n  metadata:\n", r.kind)
	for name, value := range r.metadata {
		fmt.Fprintf(&b, "  - name: %s\n", name)
		if ref, ok := value.(secretKeyRef); ok {
			fmt.Fprintf(&b, "    secretKeyRef:\n      name: %q\n      key: %q\n", ref.name, ref.key)
			continue
		}
		fmt.Fprintf(&b, "    value: %q\n", value)
	}
	if r.secretStore != "" {
		fmt.Fprintf(&b, "auth:\n  secretStore: %q\n", r.secretStore)
	}
	return b.String()
}

// get asks the secrets API over HTTP. It returns the entries, or the message of
// the error that an application sees.
func (s *sidecar) get(t *testing.T, store, path string, metadata ...string) (map[string]string, string) {
	t.Helper()
	query := url.Values{}
	for _, m := range metadata {
		name, value, _ := strings.Cut(m, "=")
		query.Set("metadata."+name, value)
	}
	address := s.daprd.URL("/v1.0/secrets/"+store+"/"+path) + "?" + query.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, resp.Body.Close())
	require.NoError(t, err)
	switch resp.StatusCode {
	case http.StatusOK:
		var entries map[string]string
		require.NoError(t, json.Unmarshal(body, &entries))
		return entries, ""
	case http.StatusNoContent:
		return nil, ""
	default:
		var failure struct{ ErrorCode, Message string }
		require.NoError(t, json.Unmarshal(body, &failure), "status %d", resp.StatusCode)
		require.Equal(t, "ERR_SECRET_GET", failure.ErrorCode)
		return nil, failure.Message
	}
}

// sdk returns the Dapr Go SDK's client, over gRPC.
func (s *sidecar) sdk(t *testing.T) dapr.Client {
	t.Helper()
	client, err := dapr.NewClientWithAddressContext(context.Background(), fmt.Sprintf("127.0.0.1:%d", s.daprd.GRPCPort))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}
