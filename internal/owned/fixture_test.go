package owned_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/owned"
	"credential-resolver/internal/owned/ownedtest"
)

func TestMain(m *testing.M) {
	ownedtest.SetUmask()
	os.Exit(m.Run())
}

// mkdir creates a folder with exactly these permission bits.
func mkdir(t *testing.T, mode os.FileMode, path ...string) string {
	t.Helper()
	at := filepath.Join(path...)
	require.NoError(t, os.Mkdir(at, 0o700))
	require.NoError(t, os.Chmod(at, mode))
	return at
}

func requireRefused(t *testing.T, err error, says string) {
	t.Helper()
	var refusal *owned.Refusal
	require.ErrorAs(t, err, &refusal)
	require.ErrorContains(t, err, says)
}

// open opens a folder and closes it when the test ends.
func open(t *testing.T, path string, o owned.Options) *owned.Dir {
	t.Helper()
	d, err := owned.Open(path, o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}
