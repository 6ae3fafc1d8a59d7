package storetest

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// FileWith writes a file in a new folder and returns its path.
func FileWith(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	ReplaceFile(t, path, text)
	return path
}

// ReplaceFile replaces the contents of a file, as kubelets do.
func ReplaceFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// Irregular returns paths that are not regular files: a pipe, where a reader would wait, and a
// device, which a reader would read forever.
func Irregular(t *testing.T) []string {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	return []string{pipe, "/dev/zero"}
}

// Huge returns the path of a sparse file of one tebibyte, which takes no space on the disk.
func Huge(t *testing.T) string {
	t.Helper()
	path := FileWith(t, "0123456789abcdef")
	require.NoError(t, os.Truncate(path, 1<<40))
	return path
}
