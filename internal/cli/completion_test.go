package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/cli"
)

// runLine runs a command line. It returns the exit code and the output. Its context has
// ended, so a serve that is not refused stops at once and the test fails, instead of hanging.
func runLine(t *testing.T, line string) (code int, out, errors string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	code = cli.Run(ctx, "test", strings.Fields(line), cli.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestCompletionIsSupported(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, out, errors := runLine(t, "completion "+shell)
		require.Zero(t, code, errors)
		require.Contains(t, out, "credential-resolver")
		require.NotContains(t, out, "show-names")
	}
}
