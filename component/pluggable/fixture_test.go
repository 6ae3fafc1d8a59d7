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

	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
	"credential-resolver/internal/logtext"
	"credential-resolver/test/waiting"
)

const (
	// patience is how long a test waits for a condition.
	patience = waiting.Long
	tick     = 2 * time.Millisecond

	// overflow is the user that stands for all that a user namespace does not map.
	overflow = 65534

	// componentName is the name of the component that the tests serve.
	componentName = "upper-echo"
)

// running is a server, usually a started one.
type running struct {
	*pluggable.Server[secretstores.SecretStore]
	*pluggabletest.Running // nil before start

	t      testing.TB
	socket string
	log    *logtext.Text
}

// newServer returns a server of echoes with a new socket folder. It does not start it.
func newServer(t testing.TB, stores *echoes, change func(*pluggable.Options)) *running {
	t.Helper()
	log := &logtext.Text{}
	opts := pluggable.Options{
		Name:         componentName,
		Logger:       log.Logger(t.Name()),
		SocketFolder: pluggabletest.SocketFolder(t),
		StateFolder:  t.TempDir(),
		StateOnDisk:  true,
	}
	if change != nil {
		change(&opts)
	}
	server, err := pluggable.New(opts, stores.New, newAsker)
	require.NoError(t, err)
	return &running{
		Server: server, t: t, log: log,
		socket: filepath.Join(opts.SocketFolder, opts.Name+".sock"),
	}
}

// serve runs a server of echoes until the test ends.
func serve(t testing.TB, stores *echoes, change func(*pluggable.Options)) *running {
	t.Helper()
	s := newServer(t, stores, change)
	s.start()
	require.NoError(t, s.AwaitSocket())
	t.Cleanup(s.End)
	return s
}

func (s *running) start() { s.Running = pluggabletest.Start(s.Server, s.socket) }

// wait returns the error that Run returned.
func (s *running) wait() error {
	s.t.Helper()
	select {
	case err := <-s.Done:
		return err
	case <-time.After(patience):
		require.FailNow(s.t, "Run did not return")
		return nil
	}
}

// stop stops the server and requires that Run returns no error.
func (s *running) stop() {
	s.t.Helper()
	s.Cancel()
	require.NoError(s.t, s.wait())
}

// dial connects without Init, as daprd does when it reconnects.
func dial(t testing.TB, s *running, component string) pluggabletest.Client {
	t.Helper()
	c := pluggabletest.NewClient(t, s.socket)
	require.NoError(t, c.Dial(component))
	return c
}

// initialise connects as daprd does when it loads a Component.
func initialise(t testing.TB, s *running, component string, properties map[string]string) pluggabletest.Client {
	t.Helper()
	c := pluggabletest.NewClient(t, s.socket)
	require.NoError(t, c.Init(t.Context(), meta(component, properties)))
	return c
}

func meta(component string, properties map[string]string) secretstores.Metadata {
	return secretstores.Metadata{Base: metadata.Base{Name: component, Properties: properties}}
}

func get(c secretstores.SecretStore, name string) (map[string]string, error) {
	resp, err := c.GetSecret(context.Background(), secretstores.GetSecretRequest{Name: name})
	return resp.Data, err
}

// assertEchoes asserts that the client receives an answer.
func assertEchoes(t testing.TB, c secretstores.SecretStore) {
	t.Helper()
	data, err := get(c, "hello")
	if assert.NoError(t, err) {
		assert.Equal(t, "HELLO", data["echo"])
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
