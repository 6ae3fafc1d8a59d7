//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/internal/canary"
	"credential-resolver/test/harness"
	"credential-resolver/test/program"
)

// nobody is a user without rights. The component runs as this user, because a store cannot
// refuse root.
const nobody = 65534

// failure is a row of section 5 as an application sees it.
type failure struct {
	store, guid string
	metadata    []string
	code        codes.Code
	text        string // the text after: credential "<guid>":
}

// TestErrors checks every kind of failure as an application sees it, over HTTP and gRPC.
// Neither the errors nor the component's log may contain a value, a reference, a path or a
// store's own text.
func TestErrors(t *testing.T) {
	t.Parallel()
	side := failingSidecar(t)
	sdk := side.sdk(t)
	tests := map[string]failure{
		"a malformed GUID": {"credentials", "not.a.guid", nil, codes.InvalidArgument, "malformed GUID"},
		"unknown request metadata": {
			"credentials", "good", []string{"fromat=json"}, codes.InvalidArgument, `unknown request metadata "fromat" (did you mean "format"?)`,
		},
		"explain for another Component": {
			"credentials", "good", []string{"explain=true", "namespace=n"}, codes.InvalidArgument, "metadata.explain and metadata.namespace exclude each other",
		},
		"an unknown field": {
			"credentials", "good", []string{"fields=host,nix"}, codes.InvalidArgument, `it has no field "nix"`,
		},
		"no such credential":                 {"credentials", "nowhere", nil, codes.NotFound, "no such credential"},
		"the agent's bundle missing":         {"credentials", "no-bundle", nil, codes.NotFound, `no secret under its "secret-path"`},
		"a config that is not an object":     {"credentials", "array", nil, codes.FailedPrecondition, "not a JSON object"},
		"a config over 1 MiB":                {"credentials", "huge", nil, codes.FailedPrecondition, "larger than 1 MiB"},
		"a secret-path that is not a string": {"credentials", "odd-path", nil, codes.FailedPrecondition, "neither a string nor null"},
		"nothing replaced":                   {"credentials", "unresolved", nil, codes.FailedPrecondition, "none of its fields names a secret"},
		"a config that is not UTF-8":         {"credentials", "latin1", nil, codes.FailedPrecondition, "not valid UTF-8"},
		"a secret that is not allowed":       {"credentials", "forbidden", nil, codes.PermissionDenied, "allowedSecrets does not allow"},
		"a config that cannot be read":       {"credentials", "unreadable", nil, codes.Unavailable, "the config store is unavailable"},
		"a store that does not exist":        {"unconnected", "good", nil, codes.Unavailable, "the secret store is unavailable"},
		"a store that does not answer":       {"credentials", "fifo", nil, codes.DeadlineExceeded, "the config store did not answer in time"},
		"an answer over 4 MiB":               {"credentials", "large", nil, codes.ResourceExhausted, "larger than the runtime's limit of 4 MiB"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, overHTTP := side.get(t, test.store, test.guid, test.metadata...)
			_, err := sdk.GetSecret(t.Context(), test.store, test.guid, pairs(test.metadata))
			require.Error(t, err)
			require.Equal(t, codes.Internal, status.Code(err), "daprd turns every error into Internal")
			for _, text := range []string{overHTTP, err.Error()} {
				require.Contains(t, text, "code = "+test.code.String()+" desc = credential")
				require.Contains(t, text, test.text)
				if test.code != codes.InvalidArgument || test.metadata != nil {
					require.Contains(t, text, `credential "`+test.guid+`": `)
				}
				requireNoCanary(t, text)
			}
		})
	}
	t.Run("bulk is not allowed", func(t *testing.T) {
		_, overHTTP := side.get(t, "credentials", "bulk")
		require.Contains(t, overHTTP, "code = PermissionDenied")
		_, err := sdk.GetBulkSecret(t.Context(), "credentials", nil)
		require.ErrorContains(t, err, "code = PermissionDenied")
	})
	t.Run("the log at info level has no canary", func(t *testing.T) {
		requireSaid(t, side.component, "level=info")
		requireSaid(t, side.component, "(reference ") // as a hash
		requireNoCanary(t, side.component.Log())
	})
}

func requireNoCanary(t *testing.T, text string) {
	t.Helper()
	canary.AssertNone(t, text)
	require.NotContains(t, text, "file not found")
}

// failingSidecar starts a component on stores that can cause every kind of failure.
func failingSidecar(t *testing.T) *sidecar {
	t.Helper()
	s, o := failingStores(t)
	return startSidecar(t, o, failingComponents(s)...)
}

// failingComponents returns one Component on the stores, and one whose secret store does not
// exist.
func failingComponents(s *stores) []resource {
	return []resource{
		credentials("credentials", s.metadata(map[string]any{
			"storeTimeout": "2s", "allowedSecrets": allowedOfFailingStores,
		})),
		credentials("unconnected", s.metadata(map[string]any{
			"secretStore.secretsFile": s.path("none.json"), "requestTimeout": "500ms",
		})),
	}
}

// allowedOfFailingStores is the allowedSecrets for failingStores.
const allowedOfFailingStores = "canary-*,huge-*,analytics-*,latin1,good"

// failingStores has a credential for every kind of failure. It also returns options that start
// the component without root's rights.
func failingStores(t *testing.T) (*stores, harness.ComponentOptions) {
	t.Helper()
	s := newStores(t)
	s.folder = filepath.Join(s.folder, canary.Path)
	require.NoError(t, os.MkdirAll(s.path("configs"), 0o755))
	s.secret(t, canary.Reference, map[string]string{"key": canary.Secret})
	s.secret(t, "huge-bundle", map[string]string{"blob_key": strings.Repeat(canary.Secret, 5<<20/len(canary.Secret))})

	s.config(t, "good", `{"credentialSource":"agent","host":"db.example.com","password":"`+canary.Reference+`"}`)
	s.config(t, "no-bundle", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`/none","a":"b"}`)
	s.config(t, "array", `["`+canary.Secret+`"]`)
	s.config(t, "huge", `{"a":"`+strings.Repeat("x", 1<<20)+`"}`)
	s.config(t, "odd-path", `{"secret-path":5,"a":"`+canary.Secret+`"}`)
	s.config(t, "unresolved", `{"credentialSource":"agent","a":"`+canary.Secret+`"}`)
	s.config(t, "latin1", "{\"a\":\""+canary.Secret+"\xe9\"}")
	s.config(t, "large", `{"credentialSource":"agent","secret-path":"huge-bundle","blob":"blob_key"}`)
	s.config(t, "forbidden", `{"credentialSource":"agent","secret-path":"forbidden-`+canary.Reference+`","a":"b"}`)
	s.config(t, "unreadable", `{}`)
	require.NoError(t, os.Chmod(s.path("configs/unreadable.json"), 0))
	require.NoError(t, syscall.Mkfifo(s.path("configs/fifo.json"), 0o644))
	makeReachable(t, s.folder)

	o := harness.ComponentOptions{}
	if os.Getuid() == 0 {
		o.UID, o.Binary = nobody, copyBinary(t)
	}
	return s, o
}

// makeReachable lets other users search a temporary folder.
func makeReachable(t *testing.T, folder string) {
	t.Helper()
	for strings.HasPrefix(folder, os.TempDir()+"/") {
		require.NoError(t, os.Chmod(folder, 0o755))
		folder = filepath.Dir(folder)
	}
}

// copyBinary copies the component to a folder from which other users can start it.
func copyBinary(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(resolverBinary(t))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "credential-resolver")
	program.Write(t, path, text, 0o755)
	makeReachable(t, filepath.Dir(path))
	return path
}

// pairs turns "name=value" strings into the Go SDK's metadata.
func pairs(metadata []string) map[string]string {
	m := map[string]string{}
	for _, pair := range metadata {
		name, value, _ := strings.Cut(pair, "=")
		m[name] = value
	}
	return m
}
