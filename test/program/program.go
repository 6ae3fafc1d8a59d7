// Package program writes programs that tests start.
package program

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Write writes a program with these permission bits, which may be started at once.
//
// A process that another goroutine starts meanwhile holds a copy of the open file for a moment,
// and so long the program cannot be started ("text file busy"). So no process starts while the
// file is open.
func Write(t testing.TB, path string, text []byte, mode os.FileMode) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, text, mode))
}
