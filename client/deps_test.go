package client_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No store is linked into an application: section 7.
func TestTheClientDependsOnTheResolverAndADaprClientAlone(t *testing.T) {
	var stderr strings.Builder
	list := exec.Command("go", "list", "-deps", ".")
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	deps := strings.Fields(string(out))
	require.Contains(t, deps, "github.com/dapr/go-sdk/client")
	for _, dep := range deps {
		if own, ok := strings.CutPrefix(dep, "credential-resolver/"); ok {
			assert.Contains(t, []string{"client", "resolver"}, own)
		}
		for _, foreign := range []string{
			"github.com/dapr/components-contrib", "github.com/dapr-sandbox", "github.com/dapr/dapr/pkg/components",
			"k8s.io", "github.com/aws", "github.com/hashicorp/vault", "go.mongodb.org", "modernc.org", "testing",
		} {
			assert.False(t, dep == foreign || strings.HasPrefix(dep, foreign+"/"), dep)
		}
	}
}
