package client_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/deps"
)

// Section 7: an application must not link any store.
func TestClientDependsOnCredentialAndADaprClientAlone(t *testing.T) {
	all := deps.Of(t)
	require.Contains(t, all, "github.com/dapr/go-sdk/client")
	for _, dep := range all {
		if own, ok := strings.CutPrefix(dep, "credential-resolver/"); ok {
			assert.Contains(t, []string{"client", "resolver/credential"}, own)
		}
		assert.False(t, deps.Within(dep,
			"github.com/dapr/components-contrib", "github.com/dapr-sandbox", "github.com/dapr/dapr/pkg/components",
			"k8s.io", "github.com/aws", "github.com/hashicorp/vault", "go.mongodb.org", "modernc.org", "testing",
		), dep)
	}
}
