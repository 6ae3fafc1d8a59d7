package backend

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
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
}
