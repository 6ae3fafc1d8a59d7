//go:build docs

package docs

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// helpOfDaprd returns what daprd says about its flags. It exits with a status that is not 0.
func helpOfDaprd(t *testing.T) string {
	t.Helper()
	daprd, err := harness.Binary("DAPRD", "..", "daprd")
	require.NoError(t, err)
	out, _ := exec.CommandContext(t.Context(), daprd, "--help").CombinedOutput()
	require.Contains(t, string(out), "--resources-path")
	return string(out)
}
