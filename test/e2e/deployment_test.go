//go:build e2e

package e2e

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// deployment is a component as a user has it, whose binary is replaced while its daprd runs. Its
// folder has a Component with relative paths, a file of secrets and a database of configs.
type deployment struct {
	options   harness.ComponentOptions
	component *harness.Component
	*sidecar
}

// newDeployment copies the files of a folder. The state is in memory, or encrypted on a disk.
func newDeployment(t *testing.T, from string, encrypted bool) *deployment {
	t.Helper()
	d := &deployment{options: harness.ComponentOptions{SocketFolder: socketFolder(t), Dir: t.TempDir()}}
	d.copyFiles(t, from)
	if encrypted {
		d.options.StateDir = filepath.Join(t.TempDir(), "state")
		d.options.Args = []string{"--state-key-file", d.path("key")}
		require.NoError(t, os.WriteFile(d.path("key"), []byte("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"), 0o400))
		return d
	}
	folder, err := os.MkdirTemp("/dev/shm", "cr-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	d.options.StateDir = filepath.Join(folder, "state")
	return d
}

func (d *deployment) path(name string) string { return filepath.Join(d.options.Dir, name) }

// copyFiles copies the files of a folder, without its subfolders, and replaces older ones.
func (d *deployment) copyFiles(t *testing.T, from string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	require.NoError(t, err)
	for _, entry := range entries {
		if !entry.IsDir() {
			text, err := os.ReadFile(filepath.Join(from, entry.Name()))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(d.path(entry.Name()), text, 0o600))
		}
	}
}

// start starts a binary of the component.
func (d *deployment) start(t *testing.T, binary string) {
	t.Helper()
	d.options.Binary = binary
	d.component = startComponent(t, d.options)
}

// startDaprd starts the daprd, which initialises the component.
func (d *deployment) startDaprd(t *testing.T) {
	t.Helper()
	folder := newResourceFolder(t)
	text, err := os.ReadFile(d.path("credentials.yaml"))
	require.NoError(t, err)
	folder.writeFile(t, "credentials.yaml", string(text))
	d.sidecar = &sidecar{daprd: startDaprd(t, d.options.SocketFolder, folder)}
}

// command runs a command of the component's binary on the Component, and returns its output.
func (d *deployment) command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(d.options.Binary, append([]string{name, "-c", "credentials.yaml"}, args...)...)
	cmd.Dir = d.options.Dir
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // a binary with the race detector sleeps for a second at its end
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// guids returns the GUIDs that the component lists.
func (d *deployment) guids(t *testing.T) []string {
	t.Helper()
	return strings.Fields(d.command(t, "list"))
}

// answer asks for a credential until daprd has connected to the component again.
func (d *deployment) answer(t *testing.T, guid string) (entries map[string]string, failure string) {
	t.Helper()
	require.Eventually(t, func() bool {
		entries, failure = d.get(t, "credentials", guid)
		return !brokenConnection(failure)
	}, patience, tick)
	return entries, failure
}

// credentials returns the answer for each GUID.
func (d *deployment) credentials(t *testing.T, guids ...string) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, guid := range guids {
		entries, failure := d.answer(t, guid)
		require.Empty(t, failure, guid)
		all[guid] = entries
	}
	return all
}

// hideSecrets makes the secret store fail until showSecrets. Only last good answers are left.
func (d *deployment) hideSecrets(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Rename(d.path("secrets.json"), d.path("hidden.json")))
}

func (d *deployment) showSecrets(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Rename(d.path("hidden.json"), d.path("secrets.json")))
}

// state returns the folder with the state of the socket.
func (d *deployment) state(t *testing.T) string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(d.options.StateDir, "*"))
	require.NoError(t, err)
	require.Len(t, folders, 1)
	return folders[0]
}

// files returns the paths of the files in the state that match a pattern.
func (d *deployment) files(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(d.state(t), pattern))
	require.NoError(t, err)
	return slices.DeleteFunc(paths, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") })
}

// awaitAnswers waits until the component has kept the last good answers of n credentials.
func (d *deployment) awaitAnswers(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(d.files(t, "answers/*/*")) == n }, patience, tick)
}

// copyTree copies a folder into a new one.
func copyTree(t *testing.T, to, from string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		within, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, within), 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, within), text, 0o600)
	}))
}

// writeJSON writes a value as JSON that a person can read.
func writeJSON(t *testing.T, path string, value any) {
	t.Helper()
	text, err := json.MarshalIndent(value, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o600))
}
