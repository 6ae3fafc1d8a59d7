package kubernetes

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
)

func TestIrregularKubeconfigIsNotRead(t *testing.T) {
	for _, path := range storetest.Irregular(t) {
		_, _, err := fileConfig(path)
		require.ErrorContains(t, err, "it is not a regular file")
	}
	_, _, err := fileConfig(storetest.Huge(t))
	require.ErrorContains(t, err, "too large for such a file")
}
