package credential

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cacheMaxBytes also limits the cached stored form of a secret.
func TestSecretWeightIsOfItsStoredForm(t *testing.T) {
	const text = `{"a":"b"}`
	secret, err := ReadSecret(map[string]string{"key.json": text})
	require.NoError(t, err)
	assert.Equal(t, SizeOf(secret.Object)+len("key.json")+len(text), secret.Size())
	secret, err = ReadSecret(map[string]string{"a": "b"})
	require.NoError(t, err)
	assert.Equal(t, SizeOf(secret.Object), secret.Size(), "a secret that is just its entries is stored once")
}
