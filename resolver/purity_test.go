package resolver_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The domain knows nothing of how it is asked, nor of any store: section 6.
func TestTheResolverDependsOnNoGRPCNoDaprAndNoCloud(t *testing.T) {
	var stderr strings.Builder
	list := exec.Command("go", "list", "-deps", ".")
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "credential-resolver/resolver")
	require.Contains(t, deps, "golang.org/x/sync/errgroup", "packages of other modules are in the list")

	for _, dep := range deps {
		for _, foreign := range []string{
			"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/api",
			"github.com/dapr", "github.com/hashicorp/vault", "k8s.io", "cloud.google.com",
			"github.com/aws", "github.com/Azure", "github.com/AzureAD", "github.com/alibabacloud-go",
			"testing",
		} {
			assert.False(t, dep == foreign || strings.HasPrefix(dep, foreign+"/"), dep)
		}
		if own, ok := strings.CutPrefix(dep, "credential-resolver/"); ok {
			assert.True(t, own == "resolver" || strings.HasPrefix(own, "resolver/"), "above it, or beside it: %s", dep)
		}
		assert.NotContains(t, strings.ToLower(dep), "azure")
		assert.NotContains(t, strings.ToLower(dep), "aws")
	}
}
