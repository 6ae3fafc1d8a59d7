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
// A process that another goroutine starts meanwhile inherits the open file for a moment. Until it
// closes the file, the program cannot be started ("text file busy"). So Write lets no process
// start while the file is open.
func Write(t testing.TB, path string, text []byte, mode os.FileMode) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, text, mode))
}
