package storetest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// AsNobody runs fn as a user who owns nothing, because the tests may run as root, which file
// modes do not restrict. Only one thread changes its user, and that thread ends with its
// goroutine.
func AsNobody(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		const nobody = 65534
		_, _ = unix.SetfsuidRetUid(nobody) // fails without root, where it is not needed
		fn()
	}()
	<-done
}

// Unreadable returns the path of a file that nobody may read, in a folder that everybody may
// search.
func Unreadable(t *testing.T) string {
	t.Helper()
	path := filepath.Join(OpenFolder(t), "secret.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"a":"b"}`), 0o600))
	require.NoError(t, os.Chmod(path, 0))
	return path
}

// Chmod sets the mode of a folder until the test ends. The mode restricts the folder's owner
// too.
func Chmod(t *testing.T, folder string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.Chmod(folder, mode))
	t.Cleanup(func() { require.NoError(t, os.Chmod(folder, 0o700)) })
}

// Forbid makes a file or folder unreadable for everybody until the test ends.
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
