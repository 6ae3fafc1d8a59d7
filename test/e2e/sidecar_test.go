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
	"credential-resolver/test/waiting"
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

// patience is how long a test waits for a condition, and tick is how often it checks.
const (
	patience = waiting.Long
	tick     = 20 * time.Millisecond
)

// sdk returns the Dapr Go SDK's client, over gRPC.
func (s *sidecar) sdk(t *testing.T) dapr.Client {
	t.Helper()
	client, err := dapr.NewClientWithAddressContext(context.Background(), fmt.Sprintf("127.0.0.1:%d", s.daprd.GRPCPort))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}
