package backend

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pipe would be waited for, a device be read for ever.
func TestFileThatIsNoneIsNotRead(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, path := range []string{pipe, "/dev/zero"} {
		_, err := readSmall(path, 16)
		require.ErrorIs(t, err, errNotRegular)
		_, err = readVaultToken(path)
		require.Error(t, err)
		_, _, err = fileConfig(path)
		require.ErrorContains(t, err, "it is not a regular file")
		_, err = readVaultAuthority(path)
		require.ErrorIs(t, err, errNotRegular)
		_, err = newLocalFileConn(map[string]string{"secretsFile": path}, devNull(t)).load()
		require.ErrorIs(t, err, errNotRegular)
	}
}

func TestFileThatIsHugeIsNotRead(t *testing.T) {
	huge := filepath.Join(t.TempDir(), "huge")
	require.NoError(t, os.WriteFile(huge, []byte("0123456789abcdef"), 0o600))
	text, err := readSmall(huge, 16)
	require.NoError(t, err)
	require.Len(t, text, 16)
	require.NoError(t, os.Truncate(huge, 1<<40)) // it takes no place on the disk
	_, err = readVaultToken(huge)
	require.ErrorIs(t, err, errFileTooLarge)
	_, _, err = fileConfig(huge)
	require.ErrorContains(t, err, "larger than such a file can be")
	_, err = readVaultAuthorities(filepath.Dir(huge))
	require.ErrorIs(t, err, errFileTooLarge)
	_, err = newLocalFileConn(map[string]string{"secretsFile": huge}, devNull(t)).load()
	require.ErrorContains(t, err, "larger than 16 MiB")
	conn := &localStorageConn{root: filepath.Dir(huge)}
	_, err = conn.get(t.Context(), "huge")
	require.ErrorIs(t, err, errFileTooLarge)
}
