//go:build release

package deploy

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/session"
)

// TestReleaseIsVerifiedAsDocumented does with the release what docs/releases.md tells users to do.
func TestReleaseIsVerifiedAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/releases.md")
	require.NoError(t, err)
	steps, err := session.Parse(string(text))
	require.NoError(t, err)
	require.NoError(t, session.Run(t.Context(), steps, session.Options{Dir: copyOfDist(t), Env: os.Environ()}))
}
