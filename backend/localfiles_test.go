package backend

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestIrregularLocalFileIsNotRead(t *testing.T) {
	for _, path := range storetest.Irregular(t) {
		_, err := newLocalFileConn(map[string]string{"secretsFile": path}, storetest.DevNull(t)).load()
		require.ErrorIs(t, err, store.ErrNotRegular)
	}
}

func TestLocalFileThatIsHugeIsNotRead(t *testing.T) {
	path := storetest.Huge(t)
	_, err := newLocalFileConn(map[string]string{"secretsFile": path}, storetest.DevNull(t)).load()
	require.ErrorContains(t, err, "larger than 16 MiB")
	conn := &localStorageConn{root: filepath.Dir(path)}
	_, err = conn.Get(t.Context(), filepath.Base(path))
	require.ErrorIs(t, err, store.ErrFileTooLarge)
	storetest.RequireKind(t, credential.FailedPrecondition, err, "the store is not to blame")
}

// The folder is checked before each call, and may be unmounted after that.
func TestConfigInAFolderThatIsGoneIsNotMissing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "configs")
	object, err := followLocalStorage(t.Context(), map[string]string{"rootPath": root}, storetest.DevNull(t))
	require.NoError(t, err)
	conn := object.(*followed).current
	_, err = conn.Get(t.Context(), "g")
	require.True(t, store.Missing(err))
	require.NoError(t, os.Remove(root))
	_, err = conn.Get(t.Context(), "g")
	storetest.RequireKind(t, credential.Unavailable, err)
}
