package credential

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cacheMaxBytes bounds what is kept of a secret's stored form too.
func TestSecretWeightIsOfItsStoredForm(t *testing.T) {
	const text = `{"a":"b"}`
	secret, err := ReadSecret(map[string]string{"key.json": text})
	require.NoError(t, err)
	assert.Equal(t, SizeOf(secret.Object)+len("key.json")+len(text), secret.Size())
	secret, err = ReadSecret(map[string]string{"a": "b"})
	require.NoError(t, err)
	assert.Equal(t, SizeOf(secret.Object), secret.Size(), "where it is the entries, it is not kept twice")
}
