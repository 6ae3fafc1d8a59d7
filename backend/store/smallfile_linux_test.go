package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The files of /proc say that they are empty, as a file does that is longer by the time it is
// read.
func TestFileThatHasGrownIsNotCut(t *testing.T) {
	text, err := ReadSmall("/proc/self/status", 16)
	require.ErrorIs(t, err, ErrFileTooLarge)
	require.LessOrEqual(t, len(text), 17)
}
