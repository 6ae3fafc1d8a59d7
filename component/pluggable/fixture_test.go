package pluggable_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	daprd "github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/logtext"
)

const (
	// patience is how long a test waits for what will happen.
	patience = 20 * time.Second
	tick     = 2 * time.Millisecond

	// componentName is the name of the component that the tests serve.
	componentName = "upper-echo"
)

// running is a server at work.
type running struct {
	*pluggable.Server

	t      testing.TB
	socket string
	log    *logtext.Text
	cancel context.CancelFunc
	done   chan error
}

// newServer returns a server of echoes in a folder of its own.
func newServer(t testing.TB, stores *echoes, change func(*pluggable.Options)) *running {
	t.Helper()
	log := &logtext.Text{}
	opts := pluggable.Options{
		Name:           componentName,
		NewSecretStore: stores.New,
		Logger:         log.Logger(t.Name()),
		SocketFolder:   shortFolder(t),
		StateFolder:    t.TempDir(),
		StateOnDisk:    true,
	}
	if change != nil {
		change(&opts)
	}
	server, err := pluggable.New(opts)
	require.NoError(t, err)
	return &running{
		Server: server, t: t, log: log,
		socket: filepath.Join(opts.SocketFolder, opts.Name+".sock"),
		done:   make(chan error, 1),
	}
}

// serve runs a server of echoes until the test ends.
func serve(t testing.TB, stores *echoes, change func(*pluggable.Options)) *running {
	t.Helper()
	s := newServer(t, stores, change)
	s.start()
	require.Eventually(t, func() bool { return exists(s.socket) }, patience, tick, "the socket did not appear")
	t.Cleanup(s.cancel)
	return s
}

func (s *running) start() {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() { s.done <- s.Run(ctx) }()
}

// wait returns what Run returned.
func (s *running) wait() error {
	s.t.Helper()
	select {
	case err := <-s.done:
		return err
	case <-time.After(patience):
		require.FailNow(s.t, "Run did not return")
		return nil
	}
}

// stop ends the server and asserts that it ended well.
func (s *running) stop() {
	s.t.Helper()
	s.cancel()
	require.NoError(s.t, s.wait())
}

// client is daprd's own for one Component.
type client interface {
	secretstores.SecretStore

	Dial(name string) error
	Ping() error
}

// dial connects as daprd does when it comes back: without Init.
func dial(t testing.TB, s *running, component string) client {
	t.Helper()
	c := daprd.NewGRPCSecretStore(logger.NewLogger("daprd"), s.socket)
	require.NoError(t, c.Dial(component))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// initialise connects as daprd does when it loads a Component.
func initialise(t testing.TB, s *running, component string, properties map[string]string) client {
	t.Helper()
	c := daprd.NewGRPCSecretStore(logger.NewLogger("daprd"), s.socket)
	require.NoError(t, c.Init(t.Context(), meta(component, properties)))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func meta(component string, properties map[string]string) secretstores.Metadata {
	return secretstores.Metadata{Base: metadata.Base{Name: component, Properties: properties}}
}

func get(c secretstores.SecretStore, name string) (map[string]string, error) {
	resp, err := c.GetSecret(context.Background(), secretstores.GetSecretRequest{Name: name})
	return resp.Data, err
}

// assertEchoes asserts that a client is answered.
func assertEchoes(t testing.TB, c secretstores.SecretStore) {
	t.Helper()
	data, err := get(c, "hello")
	if assert.NoError(t, err) {
		assert.Equal(t, "HELLO", data["echo"])
	}
}

// shortFolder is a folder whose path leaves room for a socket's name, which that
// of t.TempDir, made of the test's name, may not.
func shortFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "p")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
