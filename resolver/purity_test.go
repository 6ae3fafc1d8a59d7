package resolver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/deps"
)

// The resolver must not depend on how it is called or on any store: section 6.
func TestResolverImportsNoGRPCDaprOrCloud(t *testing.T) {
	all := deps.Of(t)
	require.Contains(t, all, "credential-resolver/resolver")
	require.Contains(t, all, "golang.org/x/sync/errgroup", "the list must include other modules")

	for _, dep := range all {
		assert.False(t, deps.Within(dep,
			"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/api",
			"github.com/dapr", "github.com/hashicorp/vault", "k8s.io", "cloud.google.com",
			"github.com/aws", "github.com/Azure", "github.com/AzureAD", "github.com/alibabacloud-go",
			"go.opentelemetry.io", "github.com/prometheus", "testing",
		), dep)
		if strings.HasPrefix(dep, "credential-resolver/") {
			assert.True(t, deps.Within(dep, "credential-resolver/resolver"), "the resolver must not import %s", dep)
		}
		assert.NotContains(t, strings.ToLower(dep), "azure")
		assert.NotContains(t, strings.ToLower(dep), "aws")
	}
}
