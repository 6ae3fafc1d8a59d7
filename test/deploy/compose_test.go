//go:build deploy

package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestComposeFileRuns runs the services of the Compose file with their own commands, users,
// environments, mounts and networks. The component is restarted under a daprd that goes on.
func TestComposeFileRuns(t *testing.T) {
	p, err := load(t, composeFile)
	require.NoError(t, err)
	s := newStack(t, p)
	require.NoError(t, s.up(t))
	require.Contains(t, s.running["app"].output(), `{"host":"orders.example.com","username":"orders_app"}`)

	password := []string{"wget", "-qO-", "http://localhost:3500/v1.0/secrets/credentials/orders-db?metadata.fields=password"}
	ask := func() string {
		out, _ := s.running["app"].Exec(t.Context(), password...)
		return strings.TrimSpace(out)
	}
	const want = `{"password":"sample-password-17"}`
	require.Equal(t, want, ask())

	s.kill("credential-resolver")
	s.start(t, "credential-resolver")
	require.NoError(t, s.awaitHealthy(t, "credential-resolver"))
	require.NoError(t, s.await(func() bool { return ask() == want }), "the state must outlive the container")

	require.NoError(t, s.stop("daprd"))
	require.NoError(t, s.stop("credential-resolver"))
}

// TestComposeFileWithAFaultIsNoticed plants faults in the Compose file. Each must be noticed.
func TestComposeFileWithAFaultIsNoticed(t *testing.T) {
	original, err := os.ReadFile(composeFile)
	require.NoError(t, err)
	for name, test := range map[string]struct{ old, new, want string }{
		"a key that Compose does not know":      {"read_only: true\n    cap_drop", "readonly: true\n    cap_drop", "services.credential-resolver.readonly"},
		"a value of the wrong type":             {"mem_limit: 256m", "mem_limit: [256m]", "mem_limit"},
		"a flag that the component lacks":       {"--single-daprd", "--one-daprd", "unknown flag: --one-daprd"},
		"a flag that daprd lacks":               {"--dapr-http-port=", "--http-port=", "unknown flag: --http-port"},
		"a folder that other users can open":    {"mode=0700", "mode=0777", "0777"},
		"a daprd that may not open the folder":  {"service:app\n    user: \"65532:65532\"", "service:app\n    user: \"65531:65531\"", "permission denied"},
		"a daprd that looks in another folder":  {"environment: *sockets", "environment: {DAPR_COMPONENTS_SOCKETS_FOLDER: /tmp}", "couldn't find secret store secretstores.credential-resolver/v1"},
		"a folder of configs that is not there": {"source: ./configs", "source: ./config", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, string(original), test.old)
			folder := t.TempDir()
			require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Dir(composeFile))))
			path := filepath.Join(folder, filepath.Base(composeFile))
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(original), test.old, test.new, 1)), 0o600))

			p, err := load(t, path)
			if err == nil {
				err = newStack(t, p).up(t)
			}

			require.ErrorContains(t, err, test.want)
		})
	}
}
