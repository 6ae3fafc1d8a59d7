package component_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
	"credential-resolver/internal/canary"
)

// restarted is a component on fileStores that a test restarts.
type restarted struct {
	*fileStores
	sockets, state string
	socket         string
	client         pluggabletest.Client
	stop           func()
}

func newRestarted(t *testing.T) *restarted {
	t.Helper()
	r := &restarted{fileStores: newFileStores(t), sockets: pluggabletest.SocketFolder(t), state: t.TempDir()}
	r.config("c", `{"credentialSource":"agent","password":"pw"}`)
	r.secrets(`{"pw":{"value":"` + canary.Secret + `"}}`)
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

// start starts a new process of the component.
func (r *restarted) start() {
	r.t.Helper()
	log := r.log.Logger(r.t.Name())
	made := component.New(component.Options{Logger: log, Open: component.Backends(store.Options{Logger: log})})
	server, err := made.Server(pluggable.Options{
		Name: "credential-resolver", Logger: log, SocketFolder: r.sockets,
		StateFolder: r.state, StateOnDisk: true, StateKey: bytes.Repeat([]byte{1}, pluggable.StateKeySize),
	})
	require.NoError(r.t, err)
	r.socket = filepath.Join(r.sockets, "credential-resolver.sock")
	running := pluggabletest.Start(server, r.socket)
	require.NoError(r.t, running.AwaitSocket())
	r.stop = func() {
		assert.NoError(r.t, running.Stop())
		made.Close()
	}
}

// connect opens a new connection for the test.
func (r *restarted) connect() {
	r.client = pluggabletest.NewClient(r.t, r.socket)
}

// restart stops the process and starts another. daprd then uses it without Init.
func (r *restarted) restart() {
	r.t.Helper()
	r.stop()
	r.start()
	r.connect()
	require.NoError(r.t, r.client.Dial("credentials"))
}

// init initialises the component as daprd does.
func (r *restarted) init(changed map[string]string) {
	r.t.Helper()
	r.connect()
	require.NoError(r.t, r.client.Init(r.t.Context(), secretstores.Metadata{
		Base: metadata.Base{Name: "credentials", Properties: r.properties(changed)},
	}))
}

// ask returns the password, or the code of the failure.
func (r *restarted) ask() string {
	data, err := get(r.client, "c")
	if err != nil {
		return status.Code(err).String()
	}
	return data["password"]
}

// answers returns the number of stored answers.
func (r *restarted) answers() int {
	paths, err := filepath.Glob(filepath.Join(r.state, "*", "answers", "*", "*"))
	require.NoError(r.t, err)
	return len(paths)
}

func TestTheLastGoodAnswerOutlivesTheProcess(t *testing.T) {
	r := newRestarted(t)
	r.init(map[string]string{"cacheTTL": "1ms"})
	require.Equal(t, canary.Secret, r.ask())
	require.NoError(t, os.Remove(r.file))
	r.restart()
	assert.Equal(t, canary.Secret, r.ask())
	assert.Contains(t, r.log.String(), "; answered with the last good credential")

	r.secrets(`{}`)
	require.Eventually(t, func() bool { return r.ask() == codes.FailedPrecondition.String() }, patience, tick)
	require.Eventually(t, func() bool { return r.answers() == 0 }, patience, tick, "the stored answer must be removed")
	require.NoError(t, os.Remove(r.file))
	r.restart()
	assert.Equal(t, codes.Unavailable.String(), r.ask())
	canary.AssertNone(t, r.log.String())
}

func TestWithoutACacheNoAnswerOutlivesTheProcess(t *testing.T) {
	r := newRestarted(t)
	r.init(map[string]string{"cacheTTL": "1m"})
	require.Equal(t, canary.Secret, r.ask())
	require.Eventually(t, func() bool { return r.answers() == 1 }, patience, tick)

	r.init(map[string]string{"cacheTTL": "0s"})
	require.Eventually(t, func() bool { return r.answers() == 0 }, patience, tick, "the earlier stored answers must be removed")
	require.Equal(t, canary.Secret, r.ask())
	_, err := get(r.client, "c", "namespace", "n") // this answer stays in memory
	require.NoError(t, err)
	r.restart()
	assert.Zero(t, r.answers())
}

func TestAnAnswerThatIsTooLargeDoesNotOutliveTheProcess(t *testing.T) {
	r := newRestarted(t)
	r.config("large", `{"password":"`+strings.Repeat("x", 1<<20-100)+`"}`)
	r.init(map[string]string{"cacheTTL": "1m"})
	_, err := get(r.client, "large")
	require.NoError(t, err)
	require.Equal(t, canary.Secret, r.ask())
	r.stop()
	assert.Equal(t, 1, r.answers())
	r.start()
}
