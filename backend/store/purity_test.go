package store

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/internal/deps"
)

// A provider may depend on the contract, but never the contract on a provider.
func TestStoreImportsNoProvider(t *testing.T) {
	const contrib = "github.com/dapr/components-contrib"
	for _, pkg := range deps.Of(t) {
		if deps.Within(pkg, "credential-resolver/backend") {
			assert.Equal(t, "credential-resolver/backend/store", pkg)
		}
		if strings.HasPrefix(pkg, contrib+"/") {
			assert.Equal(t, contrib+"/metadata", pkg)
		}
		assert.False(t, deps.Within(pkg, "k8s.io/client-go", "github.com/hashicorp/vault"), pkg)
	}
}
