//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/test/harness"
)

// saving returns the binding that saves into a Component.
func saving(name string, metadata map[string]any) resource {
	return resource{name: name, kind: "bindings.credential-resolver", metadata: metadata}
}

// save saves with daprd's HTTP API. It returns the GUID, or the error text that an application
// sees.
func (s *sidecar) save(t *testing.T, binding, body string) (guid, failure string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		s.daprd.URL("/v1.0/bindings/"+binding), strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusOK {
		return "", string(text)
	}
	var answer struct{ GUID string }
	require.NoError(t, json.Unmarshal(text, &answer))
	return answer.GUID, ""
}

// TestSaving uses the shipped Components for development.
func TestSaving(t *testing.T) {
	o := harness.ComponentOptions{SocketFolder: socketFolder(t), Env: []string{"XDG_DATA_HOME=" + t.TempDir()}}
	component := startComponent(t, o)
	daprd := startDaprd(t, o.SocketFolder, "../../components/local")
	side := &sidecar{component: component, daprd: daprd}
	sdk := side.sdk(t)
	const config = `{"zone":"z","account":12345678901234567890,"host":"h"}`

	guid, failure := side.save(t, "credentials-save", `{"operation":"create","data":{"zone":"z","host":"h"}}`)
	require.Empty(t, failure)
	entries, failure := side.get(t, "credentials", guid)
	require.Empty(t, failure)
	require.Equal(t, map[string]string{"zone": "z", "host": "h"}, entries)

	guid, failure = side.save(t, "credentials-save", `{"operation":"create","data":`+config+`}`)
	require.Empty(t, failure)
	entries, _ = side.get(t, "credentials", guid, "format=json")
	require.Equal(t, `{"account":12345678901234567000,"host":"h","zone":"z"}`, entries["_value"],
		"daprd re-encodes the data of an HTTP request")

	quoted, err := json.Marshal(config)
	require.NoError(t, err)
	guid, failure = side.save(t, "credentials-save", `{"operation":"create","data":`+string(quoted)+`}`)
	require.Empty(t, failure)
	entries, _ = side.get(t, "credentials", guid, "format=json")
	require.Equal(t, config, entries["_value"], "a config sent as a string must be stored unchanged")

	event, err := sdk.InvokeBinding(t.Context(), &dapr.InvokeBindingRequest{
		Name: "credentials-save", Operation: "create", Data: []byte(config),
	})
	require.NoError(t, err)
	var answer struct{ GUID string }
	require.NoError(t, json.Unmarshal(event.Data, &answer))
	entries, _ = side.get(t, "credentials", answer.GUID, "format=json")
	require.Equal(t, config, entries["_value"], "over gRPC the bytes must be stored unchanged")

	for body, want := range map[string]string{
		`{"operation":"create","data":[1]}`:                                  "code = FailedPrecondition",
		`{"operation":"create"}`:                                             "data is missing",
		`{"operation":"delete","data":{}}`:                                   "delete",
		`{"operation":"create","data":{},"metadata":{"guid":"my-own-name"}}`: "guid",
	} {
		_, failure = side.save(t, "credentials-save", body)
		require.Contains(t, failure, want)
	}

	component.Kill()
	o.Env = append(o.Env, "AFTER=a-restart")
	startComponent(t, o)
	require.Eventually(t, func() bool {
		guid, _ = side.save(t, "credentials-save", `{"operation":"create","data":{"host":"h2"}}`)
		return guid != ""
	}, patience, tick, "the binding comes back too")
	require.Eventually(t, func() bool {
		entries, _ = side.get(t, "credentials", guid)
		return entries["host"] == "h2"
	}, patience, tick)
}

// TestSavingRefused uses bindings that cannot save.
func TestSavingRefused(t *testing.T) {
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		credentials("credentials", s.metadata(nil)),
		saving("save", map[string]any{"store": "credentials"}),
		saving("save-misspelt", map[string]any{"store": "credential", "direction": "output", "route": "/x"}))
	_, failure := side.save(t, "save", `{"operation":"create","data":{}}`)
	require.Contains(t, failure, "code = PermissionDenied")
	require.Contains(t, failure, "environment")
	_, failure = side.save(t, "save-misspelt", `{"operation":"create","data":{}}`)
	require.Contains(t, failure, "code = FailedPrecondition")
	require.Contains(t, failure, "it has: credentials")
	entries, err := os.ReadDir(filepath.Join(s.folder, "configs"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

// TestSavingMetadata checks what daprd says about a binding with wrong metadata.
func TestSavingMetadata(t *testing.T) {
	o := harness.ComponentOptions{SocketFolder: socketFolder(t)}
	startComponent(t, o)
	daprd := launchDaprd(t, o.SocketFolder, newResourceFolder(t, saving("save", map[string]any{"stor": "x"})))
	requireEnds(t, daprd.Process, "with a Component that is wrong")
	require.Contains(t, strings.ReplaceAll(daprd.Log(), `\"`, `"`), `metadata stor: is unknown (did you mean "store"?)`)
}
