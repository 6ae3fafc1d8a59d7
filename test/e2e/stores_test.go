//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// stores is a folder of configs (bindings.localstorage) and a file of secrets. A test fills
// them directly.
type stores struct {
	folder  string
	secrets map[string]any
}

func newStores(t *testing.T) *stores {
	t.Helper()
	s := &stores{folder: t.TempDir(), secrets: map[string]any{}}
	require.NoError(t, os.Mkdir(s.path("configs"), 0o755))
	s.writeSecrets(t)
	return s
}

func (s *stores) path(name string) string { return filepath.Join(s.folder, name) }

// metadata returns the metadata of a component on these stores, with changes applied.
func (s *stores) metadata(changes map[string]any) map[string]any {
	m := map[string]any{
		"configStore":             "bindings.localstorage",
		"configStore.rootPath":    s.path("configs"),
		"configKey":               "{guid}.json",
		"secretStore":             "secretstores.local.file",
		"secretStore.secretsFile": s.path("secrets.json"),
		"secretStore.multiValued": "true",
	}
	maps.Copy(m, changes)
	return m
}

// config writes the text of a config unchanged.
func (s *stores) config(t *testing.T, guid, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(s.path("configs/"+guid+".json"), []byte(text), 0o644))
}

// secret adds a secret to the file.
func (s *stores) secret(t *testing.T, name string, entries map[string]string) {
	t.Helper()
	s.secrets[name] = entries
	s.writeSecrets(t)
}

// writeSecrets replaces the file in one step, as an editor or an agent does.
func (s *stores) writeSecrets(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(s.secrets)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(s.path("secrets.new"), text, 0o644))
	require.NoError(t, os.Rename(s.path("secrets.new"), s.path("secrets.json")))
}

// put stores a config in the default config store with the command line.
func put(t *testing.T, dataHome, guid, config string) {
	t.Helper()
	putInto(t, credentials("credentials", map[string]any{"environment": "local"}), dataHome, guid, config)
}

// putInto stores a config in the Component's config store with the command line.
func putInto(t *testing.T, r resource, dataHome, guid, config string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	component := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(component, []byte(r.yaml()), 0o600))
	cmd := exec.Command(resolverBinary(t), "put", "-c", component, "--guid", guid, file)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+dataHome)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
