package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
)

func TestIrregularFileIsNotRead(t *testing.T) {
	for _, path := range storetest.Irregular(t) {
		_, err := ReadSmall(path, 16)
		require.ErrorIs(t, err, ErrNotRegular)
	}
}

func TestFileThatIsHugeIsNotRead(t *testing.T) {
	text, err := ReadSmall(storetest.FileWith(t, "0123456789abcdef"), 16)
	require.NoError(t, err)
	require.Len(t, text, 16)
	_, err = ReadSmall(storetest.Huge(t), 16)
	require.ErrorIs(t, err, ErrFileTooLarge)
}
