package storetest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// AsNobody runs fn as a user who owns nothing: root, whom the modes of files do
// not bind, may run the tests. Only this thread changes its user, and it ends
// with the goroutine.
func AsNobody(fn func()) {
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

// Unreadable returns a file in a folder that everybody may search, and that
// nobody may read.
func Unreadable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(OpenFolder(t), "secret.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"a":"b"}`), 0o600))
	require.NoError(t, os.Chmod(path, 0))
	return path
}

// Chmod restricts a folder, for its owner too, until the test ends.
func Chmod(t *testing.T, folder string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.Chmod(folder, mode))
	t.Cleanup(func() { require.NoError(t, os.Chmod(folder, 0o700)) })
}

// Forbid takes the right to read a file or a folder from everybody, until the test ends.
func Forbid(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0))
	t.Cleanup(func() { require.NoError(t, os.Chmod(path, info.Mode())) })
}

// OpenFolder returns a new folder that everybody may search.
func OpenFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range []string{folder, filepath.Dir(folder)} {
		require.NoError(t, os.Chmod(f, 0o755))
	}
	return folder
}
