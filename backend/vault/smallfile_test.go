package vault

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

func TestIrregularFileIsNotRead(t *testing.T) {
	for _, path := range storetest.Irregular(t) {
		_, err := readToken(path)
		require.Error(t, err)
		_, err = readAuthorityFile(path)
		require.ErrorIs(t, err, store.ErrNotRegular)
	}
	path := storetest.Huge(t)
	_, err := readToken(path)
	require.ErrorIs(t, err, store.ErrFileTooLarge)
	_, err = readAuthorityFolder(filepath.Dir(path))
	require.ErrorIs(t, err, store.ErrFileTooLarge)
}
