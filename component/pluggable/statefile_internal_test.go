package pluggable

import (
	"crypto/hkdf"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/chacha20poly1305"
)

func TestAFileThatCannotBeReplacedStaysAsItIs(t *testing.T) {
	s := newTestState(t)
	path := filepath.Join(s.path, "f")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	// Linux opens a file for neither reading nor writing, if both are asked for at once.
	require.Error(t, replaceFile(s.root, "f", []byte("new"), os.O_RDWR, true))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(text))

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Error(t, replaceFile(s.root, "f", []byte("new"), os.O_TRUNC, true), "something else is there")
	entries, err := os.ReadDir(s.path)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left beside it")
}

func TestAnUnfinishedRecordIsWrittenOver(t *testing.T) {
	s := newTestState(t)
	key := instanceKey{absent(1), "c"}
	beside := filepath.Join(s.path, besideOf(fileName("secretstores", key)))
	require.NoError(t, os.WriteFile(beside, []byte(strings.Repeat("x", 10_000)), 0o600))
	require.NoError(t, s.save("secretstores", key, nil))
	assert.Equal(t, []string{"c"}, s.names(t))
}

func TestARecordThatIsTooLargeIsNotRead(t *testing.T) {
	s := newTestState(t)
	key := instanceKey{absent(1), "c"}
	require.NoError(t, s.save("secretstores", key, nil))
	require.NoError(t, os.Truncate(filepath.Join(s.path, fileName("secretstores", key)), maxState+1))
	var told []string
	assert.Empty(t, s.load(func(_ string, why error) { told = append(told, why.Error()) }))
	assert.Equal(t, []string{"it is larger than the limit for all records"}, told)
}

func TestNothingIsEncryptedTwiceTheSameWay(t *testing.T) {
	s, err := newSealer(testKey(1))
	require.NoError(t, err)
	one, other := s.seal("name", []byte("plain")), s.seal("name", []byte("plain"))
	assert.NotEqual(t, one, other)
	for _, text := range [][]byte{one, other} {
		plain, err := s.open("name", text)
		require.NoError(t, err)
		assert.Equal(t, "plain", string(plain))
		_, err = s.open("other", text)
		require.ErrorIs(t, err, errOtherKey)
	}
	_, err = s.open("name", one[:len(sealedBegin)+3])
	require.ErrorIs(t, err, errOtherKey)
}

func TestTheNamesOfFilesTellNothing(t *testing.T) {
	one, err := newSealer(testKey(1))
	require.NoError(t, err)
	other, err := newSealer(testKey(2))
	require.NoError(t, err)
	assert.Equal(t, one.hash("a", "b"), one.hash("a", "b"))
	assert.NotEqual(t, one.hash("a"), other.hash("a"), "without the key nobody can guess a name")
	content, err := hkdf.Key(sha256.New, testKey(1), nil, "state content", chacha20poly1305.KeySize)
	require.NoError(t, err)
	assert.NotEqual(t, content, one.names, "names and content have keys of their own")
	var plain *sealer
	for _, s := range []*sealer{one, plain} {
		assert.NotEqual(t, s.hash("ab", "c"), s.hash("a", "bc"))
		assert.NotEqual(t, s.hash("a", ""), s.hash("a"))
	}
}
