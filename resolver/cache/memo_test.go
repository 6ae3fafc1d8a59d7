package cache_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
)

func TestMemoKeepsAnEncoding(t *testing.T) {
	var memo cache.Memo
	made := 0
	get := func(m *cache.Memo, slot, size int, err error) ([]byte, error) {
		return m.Get(slot, func() ([]byte, error) {
			made++
			return make([]byte, size), err
		})
	}
	failure := errors.New("not valid UTF-8")
	_, err := get(&memo, 0, 1, failure)
	require.ErrorIs(t, err, failure)
	for range 3 {
		text, err := get(&memo, 0, 64<<10, nil)
		require.NoError(t, err)
		assert.Len(t, text, 64<<10)
	}
	assert.Equal(t, 2, made, "a failure is not kept")

	for range 3 {
		text, err := get(&memo, 1, 64<<10+1, nil)
		require.NoError(t, err)
		assert.Len(t, text, 64<<10+1)
	}
	assert.Equal(t, 5, made, "a large encoding is not kept")
	_, err = get(nil, 0, 1, nil)
	require.NoError(t, err)
	assert.Equal(t, 6, made)
}
