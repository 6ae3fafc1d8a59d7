//go:build deploy

package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// tmpfsFolder makes a folder in memory with the options of a tmpfs.
func tmpfsFolder(t *testing.T, options string) string {
	t.Helper()
	var uid, gid int
	var mode os.FileMode
	_, err := fmt.Sscanf(options, "uid=%d,gid=%d,mode=%o,", &uid, &gid, &mode)
	require.NoError(t, err, options)
	folder, err := os.MkdirTemp("/dev/shm", "credential-resolver-compose-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	require.NoError(t, os.Chown(folder, uid, gid))
	require.NoError(t, os.Chmod(folder, mode))
	return folder
}

// root makes the root of a container: one static program at a path, and what every engine adds.
func root(t *testing.T, program, path string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{filepath.Dir(path), "proc", "etc", "tmp"} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, name), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "etc/hosts"), []byte("127.0.0.1 localhost\n"), 0o644))
	text, err := os.ReadFile(program)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, path), text, 0o755))
	return folder
}

// entrypoint returns the entry point of a service's image. Only ours has one.
func entrypoint(t *testing.T, name string) []string {
	t.Helper()
	if name != "credential-resolver" {
		return nil
	}
	text, err := os.ReadFile("../../deploy/Dockerfile")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^ENTRYPOINT (.*)$`).FindSubmatch(text)
	require.NotNil(t, found)
	var command []string
	require.NoError(t, json.Unmarshal(found[1], &command))
	return command
}
