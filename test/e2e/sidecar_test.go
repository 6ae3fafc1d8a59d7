//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/test/harness"
)

// sidecar is a daprd with our component, as an application has them.
type sidecar struct {
	component *harness.Component
	daprd     *harness.Daprd
	sockets   string         // the socket folder of both
	folder    resourceFolder // daprd's resources
}

// startSidecar starts the component, and then daprd with the resources.
func startSidecar(t *testing.T, o harness.ComponentOptions, resources ...resource) *sidecar {
	t.Helper()
	o.SocketFolder = socketFolder(t)
	if o.UID != 0 {
		require.NoError(t, os.Chown(o.SocketFolder, int(o.UID), int(o.UID)))
	}
	component := startComponent(t, o)
	folder := newResourceFolder(t, resources...)
	return &sidecar{component, startDaprd(t, o.SocketFolder, folder), o.SocketFolder, folder}
}

// startComponent starts the component in o.SocketFolder. At the end of the test it stops the
// component, which must exit with status 0.
func startComponent(t *testing.T, o harness.ComponentOptions) *harness.Component {
	t.Helper()
	if o.Binary == "" {
		o.Binary = resolverBinary(t)
	}
	component, err := harness.StartComponent(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, component.Stop(), "the component ends with exit status 0:\n%s", component.Log())
		require.NotContains(t, component.Log(), "DATA RACE")
	})
	return component
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
	daprd, err := harness.LaunchDaprd(harness.DaprdOptions{
		Binary: binary(t, "DAPRD", "daprd"), SocketFolder: sockets, ResourcesPath: string(folder), Args: args,
	})
	require.NoError(t, err)
	t.Cleanup(daprd.Kill)
	return daprd
}

// requireEnds waits until a program ends by itself.
func requireEnds(t *testing.T, p *harness.Process, why string) {
	t.Helper()
	select {
	case <-p.Ended():
	case <-time.After(patience):
		require.Fail(t, "the program has not ended", why)
	}
}

// patience is how long a test waits for a condition, and tick is how often it checks.
const (
	patience = 20 * time.Second
	tick     = 20 * time.Millisecond
)

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

// sdk returns the Dapr Go SDK's client, over gRPC.
func (s *sidecar) sdk(t *testing.T) dapr.Client {
	t.Helper()
	client, err := dapr.NewClientWithAddressContext(context.Background(), fmt.Sprintf("127.0.0.1:%d", s.daprd.GRPCPort))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}
