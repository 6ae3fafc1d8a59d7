package backend

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/resolver"
)

// asNobody runs fn as a user who owns nothing: root, whom the modes of files do
// not bind, may run the tests. Only this thread changes its user, and it ends
// with the goroutine.
func asNobody(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		const nobody = 65534
		_, _ = unix.SetfsuidRetUid(nobody) // fails for whoever is not root, and need not work then
		fn()
	}()
	<-done
}

// unreadable returns a file in a folder that everybody may search, and that
// nobody may read.
func unreadable(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range []string{folder, filepath.Dir(folder)} {
		require.NoError(t, os.Chmod(f, 0o755))
	}
	path := filepath.Join(folder, "secret.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"a":"b"}`), 0o600))
	require.NoError(t, os.Chmod(path, 0))
	return path
}

// chmod restricts a folder, for its owner too, until the test ends.
func chmod(t *testing.T, folder string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.Chmod(folder, mode))
	t.Cleanup(func() { require.NoError(t, os.Chmod(folder, 0o700)) })
}

func TestConfigThatMayNotBeReadIsDeniedAndNotMissing(t *testing.T) {
	path := unreadable(t)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": filepath.Dir(path)}, log)
	require.NoError(t, err)
	asNobody(func() { _, err = conn.get(t.Context(), filepath.Base(path)) })
	require.Equal(t, resolver.Denied, resolver.KindOf(err))
}

func TestConfigThatMayNotBeWrittenIsDenied(t *testing.T) {
	path := unreadable(t)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": filepath.Dir(path)}, log)
	require.NoError(t, err)
	asNobody(func() { err = conn.set(t.Context(), filepath.Base(path), []byte("{}")) })
	require.Equal(t, resolver.Denied, resolver.KindOf(err))
}

func TestSecretsFileThatMayNoLongerBeReadIsDeniedAndNotMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"a":"b"}`), 0o600))
	log, _ := newLog(t, "error")
	conn, err := secretsLocalFile().connect(t.Context(), map[string]string{"secretsFile": path}, log)
	require.NoError(t, err)
	_, err = conn.get(t.Context(), "a")
	require.NoError(t, err)

	require.NoError(t, os.Rename(unreadable(t), path))
	asNobody(func() { _, err = conn.get(t.Context(), "a") })
	require.Equal(t, resolver.Denied, resolver.KindOf(err))
}

func TestFolderThatMayNotBeReadIsDeniedAndNotEmpty(t *testing.T) {
	folder := filepath.Dir(unreadable(t))
	chmod(t, folder, 0o111)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": folder}, log)
	require.NoError(t, err)
	asNobody(func() { _, err = conn.(lister).list(t.Context(), "{guid}.json", "") })
	require.Equal(t, resolver.Denied, resolver.KindOf(err))
}

// Whoever asks for that config is told why; the others are listed.
func TestConfigWhoseFolderMayNotBeReadIsListed(t *testing.T) {
	locked := filepath.Dir(unreadable(t))
	chmod(t, locked, 0)
	root := filepath.Dir(locked)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": root}, log)
	require.NoError(t, err)
	var p page
	asNobody(func() { p, err = conn.(lister).list(t.Context(), "{guid}/config.json", "") })
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Base(locked)}, p.guids)
}

func TestConfigThatMayNotBeDeletedIsDenied(t *testing.T) {
	path := unreadable(t)
	chmod(t, filepath.Dir(path), 0o555)
	log, _ := newLog(t, "error")
	conn, err := bindingsLocalStorage().connect(t.Context(), map[string]string{"rootPath": filepath.Dir(path)}, log)
	require.NoError(t, err)
	asNobody(func() { err = conn.(deleter).delete(t.Context(), filepath.Base(path)) })
	require.Equal(t, resolver.Denied, resolver.KindOf(err))
	require.FileExists(t, path)
}
