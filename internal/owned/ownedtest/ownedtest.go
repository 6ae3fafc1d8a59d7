// Package ownedtest simulates other users, for tests of file ownership.
package ownedtest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stranger is the user and group ID of another user.
const Stranger = 54321

// SetUmask makes this process create folders that only their owner may write to. Some systems
// use the umask 002; the folders of tests would be refused with it.
func SetUmask() { syscall.Umask(0o022) }

// GiveAway makes a folder, file or link unsafe, and returns the text that the refusal
// contains. As root, it changes the owner to Stranger. Other users cannot do that, so it then
// lets others write to the path, or to the folder of a link.
func GiveAway(t testing.TB, path string) (says string) {
	t.Helper()
	if os.Geteuid() == 0 {
		require.NoError(t, os.Lchown(path, Stranger, Stranger))
		return path + " (owner uid 54321, "
	}
	info, err := os.Lstat(path)
	require.NoError(t, err)
	if info.Mode()&os.ModeSymlink != 0 {
		path = filepath.Dir(path)
	}
	require.NoError(t, os.Chmod(path, info.Mode().Perm()&0o700|0o077))
	return `run "chmod go-w ` + path + `"`
}

// Folder creates a folder with exactly these permission bits. Its path has no symbolic links
// and is short enough for a socket.
func Folder(t testing.TB, mode os.FileMode) string {
	t.Helper()
	path, err := os.MkdirTemp("", "o")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(path) })
	require.NoError(t, os.Chmod(path, mode))
	path, err = filepath.EvalSymlinks(path)
	require.NoError(t, err)
	return path
}
