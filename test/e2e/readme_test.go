//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestGoDocsProgram builds the program in docs/go.md in a separate module, and runs it with a
// real daprd and the samples.
func TestGoDocsProgram(t *testing.T) {
	t.Parallel()
	program := buildProgram(t, goDocsProgram(t))
	data := t.TempDir()
	sample, err := os.ReadFile("../../components/samples/analytics-db.json")
	require.NoError(t, err)
	put(t, data, "analytics-db", string(sample))
	side := startSidecar(t, harness.ComponentOptions{Env: []string{"XDG_DATA_HOME=" + data}},
		credentials("credentials", map[string]any{
			"secretStore": "secretstores.local.file", "secretStore.secretsFile": absolute(t, "../../components/samples/secrets.json"),
			"secretStore.multiValued": "true",
		}))
	out, err := side.run(t, program)
	require.NoError(t, err, out)
	require.Contains(t, out, " connecting to db.example.com:5432 as app_user\n")
	require.NotContains(t, out, "correct-horse", "the output must not contain the password")

	require.NoError(t, side.component.Stop())
	out, err = side.run(t, program)
	require.Error(t, err, "without a store the program must fail")
	require.Contains(t, out, "credential resolution failed: Unavailable: ")
}

// goDocsProgram returns the text of the program in docs/go.md.
func goDocsProgram(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/go.md")
	require.NoError(t, err)
	found := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(string(text))
	require.NotNil(t, found, "docs/go.md lacks the program")
	require.LessOrEqual(t, strings.Count(found[1], "\n"), 25)
	return found[1]
}

// buildProgram builds a program in a module of its own. The module replaces this one by its
// folder and uses the same version of the Dapr SDK.
func buildProgram(t *testing.T, text string) (path string) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	write("main.go", text)
	version := run(t, ".", "go", "list", "-m", "-f", "{{.Version}}", "github.com/dapr/go-sdk")
	language := run(t, ".", "go", "list", "-m", "-f", "{{.GoVersion}}")
	write("go.mod", fmt.Sprintf("module app\n\ngo %s\n\nrequire (\n\tcredential-resolver v0.0.0\n\tgithub.com/dapr/go-sdk %s\n)\n\n"+
		"replace credential-resolver => %s\n", language, version, absolute(t, "../..")))
	sums, err := os.ReadFile("../../go.sum")
	require.NoError(t, err)
	write("go.sum", string(sums))
	require.Empty(t, run(t, folder, "gofmt", "-l", "."))
	// With the CGO_ENABLED=1 of the race detector, Go would compile the SDK once more.
	run(t, folder, "env", "CGO_ENABLED=0", "go", "build", "-mod=mod", "-o", "app", ".")
	return filepath.Join(folder, "app")
}

// run runs a command in a folder and returns its output, without the last newline.
func run(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", stderr.String())
	return strings.TrimSpace(string(out))
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	return path
}

// run runs an application with the sidecar's daprd and returns its output.
func (s *sidecar) run(t *testing.T, program string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), fmt.Sprintf("DAPR_GRPC_PORT=%d", s.daprd.GRPCPort))
	out, err := cmd.CombinedOutput()
	return string(out), err
}
