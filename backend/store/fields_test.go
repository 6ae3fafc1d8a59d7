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
