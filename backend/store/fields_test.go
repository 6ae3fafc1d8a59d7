package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
)

func TestWordsForABoolean(t *testing.T) {
	for _, word := range []string{"true", "False", "YES", "n", "off", "T", "0"} {
		require.True(t, IsBoolean(word), word)
	}
	for _, word := range []string{"", "2", "enabled", " true"} {
		require.False(t, IsBoolean(word), word)
	}
}

func TestAliasesThatAStoreDeclaresAreTaken(t *testing.T) {
	declared := metadata.MetadataMap{"name": {Aliases: []string{"otherName"}}}
	for _, field := range []string{"name", "otherName", "OTHERNAME"} {
		require.NoError(t, checkFields(Spec{Fields: map[string]string{field: "v"}}, declared))
	}
}

func TestFieldHasOneSpellingAfterItIsSet(t *testing.T) {
	fields := map[string]string{"Host": "a", "HOST": "b", "other": "c"}
	SetField(fields, "host", "d")
	require.Equal(t, map[string]string{"host": "d", "other": "c"}, fields)
	require.Equal(t, "d", Field(fields, "hOST"))
	SetField(fields, "HosT", "")
	require.Equal(t, map[string]string{"other": "c"}, fields)
}

func TestStoreThatDeclaresNothingIsAFaultOfOurs(t *testing.T) {
	require.Panics(t, func() { DeclaredFields(struct{}{}) })
}

func TestAddressOfAServer(t *testing.T) {
	for _, address := range []string{"http://h", "https://h:8200", "https://h/vault", "http://[::1]:1"} {
		require.True(t, IsAddress(address), address)
	}
	for _, address := range []string{"", "h:8200", "ftp://h", "https://", "https://u@h", "https://h?a", "https://h#a", "http://h:x"} {
		require.False(t, IsAddress(address), address)
	}
}

func TestValuesOfAnObjectAreTexts(t *testing.T) {
	texts, ok := Texts([]byte(`{"s":"a","n":1.50,"o":{"x":[1]},"b":true,"nothing":null}`))
	require.True(t, ok)
	require.Equal(t, map[string]string{"s": "a", "n": "1.50", "o": `{"x":[1]}`, "b": "true", "nothing": ""}, texts)
	for _, text := range []string{"", "null", "[1]", `"a"`, `{"a":`} {
		_, ok := Texts([]byte(text))
		require.False(t, ok, text)
	}
}
