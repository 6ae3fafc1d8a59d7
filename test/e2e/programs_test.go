//go:build e2e

package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/test/harness"
)

// startComponent starts the component in o.SocketFolder and waits until its socket answers. At
// the end of the test it stops the component, which must exit with status 0 unless the test
// killed it.
func startComponent(t *testing.T, o harness.ComponentOptions) *harness.Component {
	t.Helper()
	component := launchComponent(t, o)
	require.NoError(t, component.AwaitReady(t.Context()))
	t.Cleanup(func() {
		if !component.Killed() {
			assert.NoError(t, component.Stop(), "the component ends with exit status 0")
		}
	})
	return component
}

// launchComponent starts the component without waiting, and kills it at the end of the test.
func launchComponent(t *testing.T, o harness.ComponentOptions) *harness.Component {
	t.Helper()
	component, err := tryComponent(t, o)
	require.NoError(t, err)
	return component
}

// tryComponent is launchComponent for a system that may not be able to start it.
func tryComponent(t *testing.T, o harness.ComponentOptions) (*harness.Component, error) {
	t.Helper()
	if o.Binary == "" {
		o.Binary = resolverBinary(t)
	}
	component, err := harness.LaunchComponent(o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		component.Kill()
		requireClean(t, component.Log())
		showLogTail(t, "the component", component.Process)
	})
	return component, nil
}

// startDaprd starts daprd with a folder of resources and waits until it is ready.
func startDaprd(t *testing.T, sockets string, folder resourceFolder, args ...string) *harness.Daprd {
	t.Helper()
	daprd := launchDaprd(t, sockets, folder, args...)
	require.NoError(t, daprd.AwaitReady(t.Context()))
	return daprd
}

// launchDaprd starts daprd without waiting.
func launchDaprd(t *testing.T, sockets string, folder resourceFolder, args ...string) *harness.Daprd {
	t.Helper()
	return launchDaprdWith(t, harness.DaprdOptions{SocketFolder: sockets, ResourcesPath: string(folder), Args: args})
}

// launchDaprdWith is launchDaprd with other options. It kills daprd at the end of the test.
func launchDaprdWith(t *testing.T, o harness.DaprdOptions) *harness.Daprd {
	t.Helper()
	o.Binary = binary(t, "DAPRD", "daprd")
	daprd, err := harness.LaunchDaprd(o)
	require.NoError(t, err)
	t.Cleanup(func() {
		daprd.Kill()
		showLogTail(t, "daprd", daprd.Process)
	})
	return daprd
}

// requireClean requires that the log of a component has no data race, panic or canary.
func requireClean(t *testing.T, log string) {
	t.Helper()
	for _, words := range []string{"DATA RACE", "panic", "fatal error: "} {
		assert.NotContains(t, log, words)
	}
	canary.AssertNone(t, log)
}

// logTail is how much of a program's log a failed test shows, in bytes.
const logTail = 8 << 10

// showLogTail shows the end of a program's log, if the test has failed.
func showLogTail(t *testing.T, name string, p *harness.Process) {
	t.Helper()
	if t.Failed() {
		said := p.Log()
		t.Logf("the end of the log of %s, process %d:\n%s", name, p.Pid(), said[max(0, len(said)-logTail):])
	}
}

// requireEnds waits until a program ends by itself.
func requireEnds(t *testing.T, p *harness.Process, why string) {
	t.Helper()
	require.Eventually(t, func() bool { return ended(p) }, patience, tick, why)
}

func resolverBinary(t *testing.T) string {
	t.Helper()
	return binary(t, "CREDENTIAL_RESOLVER", "credential-resolver-race")
}

func binary(t *testing.T, variable, name string) string {
	t.Helper()
	path, err := harness.Binary(variable, "../..", name)
	require.NoError(t, err)
	return path
}

// socketFolder returns a new folder with a path short enough for a socket. It has the mode that
// the component would create it with.
func socketFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "cr-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}
