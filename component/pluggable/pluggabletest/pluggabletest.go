// Package pluggabletest runs a pluggable component in a test, and connects to it as daprd
// does. The product does not import it.
package pluggabletest

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/secretstores"
	daprd "github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
)

// patience is how long a server may take to start.
const patience = 30 * time.Second

// Running is a server that runs.
type Running struct {
	Cancel context.CancelFunc // asks the server to stop
	Done   chan error         // receives the error that Run returned
	ended  chan struct{}
	socket string
}

// Server is the part of [pluggable.Server] that this package needs.
type Server interface {
	// Run serves until ctx ends.
	Run(ctx context.Context) error
}

var _ Server = (*pluggable.Server[secretstores.SecretStore])(nil)

// Start runs a server in the background. socket is the path at which it will serve. Start
// does not wait for it.
func Start(server Server, socket string) *Running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Running{Cancel: cancel, Done: make(chan error, 1), ended: make(chan struct{}), socket: socket}
	go func() {
		defer close(r.ended)
		r.Done <- server.Run(ctx)
	}()
	return r
}

// End stops the server, if it still runs, and waits for its end. A test calls it before it removes
// the folders that the server writes to.
func (r *Running) End() {
	r.Cancel()
	<-r.ended
}

// AwaitSocket waits until the socket exists. From then on the server serves. It returns an
// error if the server stops or takes too long.
func (r *Running) AwaitSocket() error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		if _, err := os.Lstat(r.socket); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case err := <-r.Done:
			r.Done <- err // for Stop
			return errors.Join(errors.New("the component does not serve"), err)
		case <-timeout.C:
			return errors.New("the component has not started in time")
		}
	}
}

// Stop stops the server, and returns the error that Run returned.
func (r *Running) Stop() error {
	r.Cancel()
	return <-r.Done
}

// Client is daprd's own client of one Component.
type Client interface {
	secretstores.SecretStore

	// Dial connects without Init, like a daprd that connects again.
	Dial(component string) error
	Ping() error
}

// NewClient returns daprd's client of a socket. It is closed at the end of the test.
func NewClient(t testing.TB, socket string) Client {
	t.Helper()
	c := daprd.NewGRPCSecretStore(logger.NewLogger("daprd"), socket)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// SocketFolder returns a new folder with a path short enough for a socket. The path of
// t.TempDir contains the test's name and may be too long.
func SocketFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "p")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}
