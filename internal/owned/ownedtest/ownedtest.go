// Package ownedtest has other users for tests of what belongs to us.
package ownedtest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stranger is the user and group id of somebody else.
const Stranger = 54321

// SetUmask has this process make folders that only their owner may write to. With
// the umask 002, which some systems give their users, those of tests are refused.
func SetUmask() { syscall.Umask(0o022) }

// GiveAway gives a folder, file or link to a stranger, and returns what a refusal
// then says. Only root can: for anybody else, it lets others write to the path, or
// to the folder of a link.
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

// Folder is a new folder with exactly these permission bits, whose path has no
// symbolic links and is short enough for a socket.
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
