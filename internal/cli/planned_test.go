package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
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

// DESIGN.md reserves names for later versions. They are refused as "not supported yet" and not
// as unknown, whatever their arguments.
func TestPlannedNamesAreNotSupportedYet(t *testing.T) {
	t.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", t.TempDir())
	commands := map[string]string{
		"check": "-c c.yaml --output json",
	}
	for name, arguments := range commands {
		for _, line := range []string{name, name + " " + arguments, name + " --help", "help " + name} {
			t.Run(line, func(t *testing.T) {
				code, out, errors := runLine(t, line)
				assert.Equal(t, 2, code)
				assert.Empty(t, out)
				assert.Equal(t, `credential-resolver: "`+name+`" is not supported yet (see credential-resolver --help)`+"\n", errors)
			})
		}
	}
}

func TestCompletionIsSupported(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, out, errors := runLine(t, "completion "+shell)
		require.Zero(t, code, errors)
		require.Contains(t, out, "credential-resolver")
		require.NotContains(t, out, "show-names")
	}
}
