package docs

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/vault"
)

// TestVaultNamesItsFields looks for each metadata field of the store in vault.md.
func TestVaultNamesItsFields(t *testing.T) {
	text, err := os.ReadFile("vault.md")
	require.NoError(t, err)
	for name := range vault.Type().Fields {
		assert.Contains(t, string(text), "`"+name+"`", "a field of secretstores.hashicorp.vault")
	}
}
