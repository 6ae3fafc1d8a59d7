//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// resource is a Component file: its name, type and metadata. A metadata value is a text or a
// secretKeyRef.
type resource struct {
	name, kind   string
	version      string // "" means v1
	metadata     map[string]any
	secretStore  string // auth.secretStore
	ignoreErrors bool
}

// secretKeyRef has the name of a secret and of its entry. Without a key, daprd uses the entry
// that has the secret's name.
type secretKeyRef struct{ name, key string }

// credentials returns a Component of ours with the given metadata. By default it has no cache,
// so that a test sees its changes immediately.
func credentials(name string, metadata map[string]any) resource {
	all := map[string]any{"cacheTTL": "0s"}
	maps.Copy(all, metadata)
	return resource{name: name, kind: "secretstores.credential-resolver", metadata: all}
}

func (r resource) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: %q\n", r.name)
	fmt.Fprintf(&b, "spec:\n  type: %s\n  version: %s\n  ignoreErrors: %t\n  metadata:\n", r.kind, cmp.Or(r.version, "v1"), r.ignoreErrors)
	for _, name := range slices.Sorted(maps.Keys(r.metadata)) {
		fmt.Fprintf(&b, "  - name: %s\n", name)
		ref, ok := r.metadata[name].(secretKeyRef)
		if !ok {
			fmt.Fprintf(&b, "    value: %q\n", r.metadata[name])
			continue
		}
		fmt.Fprintf(&b, "    secretKeyRef:\n      name: %q\n", ref.name)
		if ref.key != "" {
			fmt.Fprintf(&b, "      key: %q\n", ref.key)
		}
	}
	if r.secretStore != "" {
		fmt.Fprintf(&b, "auth:\n  secretStore: %q\n", r.secretStore)
	}
	return b.String()
}

// resourceFolder is the folder from which a daprd reads its resources. daprd watches it.
type resourceFolder string

func newResourceFolder(t *testing.T, resources ...resource) resourceFolder {
	t.Helper()
	path, err := os.MkdirTemp("", "resources-") // t.TempDir may contain a comma, which daprd treats as a separator
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(path) })
	folder := resourceFolder(path)
	for _, r := range resources {
		folder.write(t, r)
	}
	return folder
}

// write adds or replaces a Component in one step, by a rename.
func (f resourceFolder) write(t *testing.T, r resource) {
	t.Helper()
	f.writeFile(t, r.name+".yaml", r.yaml())
}

func (f resourceFolder) writeFile(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(string(f), name)
	require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}
