package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
)

func TestAliasesThatAStoreDeclaresAreTaken(t *testing.T) {
	declared := metadata.MetadataMap{"name": {Aliases: []string{"otherName"}}}
	for _, field := range []string{"name", "otherName", "OTHERNAME"} {
		require.NoError(t, checkFields(Spec{Fields: map[string]string{field: "v"}}, declared))
	}
}

func TestStoreThatDeclaresNothingIsAFaultOfOurs(t *testing.T) {
	require.Panics(t, func() { DeclaredFields(struct{}{}) })
}
