//go:build deploy

package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
	"credential-resolver/test/waiting"
)

// laptop is a clone of the repository on a machine where "dapr init --slim" was run.
type laptop struct {
	folder, sockets string
	env             []string
}

func newLaptop(t *testing.T) laptop {
	t.Helper()
	l := laptop{folder: t.TempDir()}
	for _, name := range []string{"components", "deploy/laptop"} {
		require.NoError(t, os.CopyFS(filepath.Join(l.folder, name), os.DirFS("../../"+name)))
	}
	home := filepath.Join(l.folder, "home")
	l.sockets = filepath.Join(home, "s")
	for _, name := range []string{".dapr/bin", ".dapr/components", "s"} {
		require.NoError(t, os.MkdirAll(filepath.Join(home, name), 0o700))
	}
	require.NoError(t, os.Symlink(binary(t, "daprd"), filepath.Join(home, ".dapr/bin/daprd")))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".dapr/config.yaml"),
		[]byte("apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata:\n  name: daprConfig\n"), 0o600))
	l.env = []string{"HOME=" + home, "XDG_DATA_HOME=" + home, "DAPR_COMPONENTS_SOCKETS_FOLDER=" + l.sockets}
	return l
}

func binary(t *testing.T, name string) string {
	t.Helper()
	path, err := harness.Binary(strings.ToUpper(strings.ReplaceAll(name, "-", "_")), "../..", name)
	require.NoError(t, err)
	return path
}

// startComponent stores the sample, and starts the component as the tutorial does.
func (l laptop) startComponent(t *testing.T) {
	t.Helper()
	put := exec.CommandContext(t.Context(), binary(t, "credential-resolver"), "put",
		"-c", "components/credentials.yaml", "--guid", "analytics-db", "components/samples/analytics-db.json")
	put.Dir, put.Env = l.folder, append(os.Environ(), l.env...)
	out, err := put.CombinedOutput()
	require.NoError(t, err, string(out))
	component, err := harness.StartComponent(t.Context(), harness.ComponentOptions{
		Binary: binary(t, "credential-resolver"), SocketFolder: l.sockets, Dir: l.folder, Env: l.env,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, component.Stop()) })
}

// dapr runs the Dapr CLI with a template. Nothing that it starts outlives the test.
func (l laptop) dapr(t *testing.T, template string) *harness.Process {
	t.Helper()
	p, err := harness.StartAlone(binary(t, "dapr"), []string{"run", "--run-file", template}, l.env, l.folder)
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return p
}

// onFreePorts replaces the port in a template by ports that no other test uses.
func onFreePorts(t *testing.T, template string, apps int) string {
	t.Helper()
	ports, err := harness.TakePorts(4 * apps)
	require.NoError(t, err)
	t.Cleanup(ports.Release)
	require.Equal(t, apps, strings.Count(template, "daprHTTPPort: 3500\n"))
	for i := range apps {
		p := ports.Numbers[4*i:]
		template = strings.Replace(template, "daprHTTPPort: 3500\n", fmt.Sprintf(
			"daprHTTPPort: %d\n    daprGRPCPort: %d\n    daprInternalGRPCPort: %d\n    metricsPort: %d\n", p[0], p[1], p[2], p[3]), 1)
	}
	return template
}

// said waits until a program has written a text.
func said(t *testing.T, p *harness.Process, text string) {
	t.Helper()
	ended := func() bool {
		select {
		case <-p.Ended():
			return true
		default:
			return false
		}
	}
	// What it wrote instead is more useful than that it took too long.
	assert.Eventually(t, func() bool { return strings.Contains(p.Log(), text) || ended() }, waiting.Long, tick)
	require.Contains(t, p.Log(), text)
}

// TestTemplateRuns runs the template with the Dapr CLI: the application gets its credential.
func TestTemplateRuns(t *testing.T) {
	l := newLaptop(t)
	path := filepath.Join(l.folder, "deploy/laptop/dapr.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(onFreePorts(t, string(text), 1)), 0o600))
	l.startComponent(t)

	dapr := l.dapr(t, "deploy/laptop")

	said(t, dapr, `{"host":"db.example.com","username":"app_user"}`)
	said(t, dapr, "Exited App successfully")
	require.NoError(t, dapr.Signal(syscall.SIGINT))
	require.NoError(t, dapr.Err(), dapr.Log())
}

// TestTemplateKeysExist has the CLI's keys decide: it ignores a key that it does not know, so each
// key of the template must change what the CLI does, or be one of its structs' keys.
func TestTemplateKeysExist(t *testing.T) {
	known := cliKeys(t)
	text, err := os.ReadFile("../../deploy/laptop/dapr.yaml")
	require.NoError(t, err)
	for key := range keysOf(t, text) {
		require.Contains(t, known, key)
	}
	require.NotContains(t, known, "daprHttpPort")
}

// TestTemplatesAppsAreNotWaitedFor has a first app that is never ready, in place of a component. The
// CLI starts the next app's daprd nevertheless, and that daprd finds no component.
func TestTemplatesAppsAreNotWaitedFor(t *testing.T) {
	l := newLaptop(t)
	require.NoError(t, os.Mkdir(filepath.Join(l.folder, "none"), 0o700))
	path := filepath.Join(l.folder, "dapr.yaml")
	require.NoError(t, os.WriteFile(path, []byte(onFreePorts(t, `version: 1
common:
  placementHostAddress: ""
  schedulerHostAddress: ""
apps:
  - appID: credential-resolver
    appDirPath: .
    resourcesPaths: [none]
    daprHTTPPort: 3500
    command: [sleep, "600"]
  - appID: app
    appDirPath: .
    resourcesPaths: [components]
    daprHTTPPort: 3500
    daprdLogDestination: console
`, 2)), 0o600))

	dapr := l.dapr(t, path)

	said(t, dapr, "couldn't find secret store secretstores.credential-resolver/v1")
}
