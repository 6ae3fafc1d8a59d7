package pluggable_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"
	daprd "github.com/dapr/dapr/pkg/components/secretstores"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
)

func TestConnectionsThatKeepEndingDoNotPutOffTheCheckForGoneProcesses(t *testing.T) {
	m := newMachine(t)
	s := m.start(t, &echoes{})
	other := pluggable.StartChild(t, "daprd", s.socket, "credentials")
	_, err := bufio.NewReader(other.Stdout).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, other.Process.Kill())

	require.Eventually(t, func() bool {
		if c, err := net.Dial("unix", s.socket); err == nil {
			_ = c.Close()
		}
		return len(m.files(t)) == 0
	}, 8*time.Second, 100*time.Millisecond)
}

func TestARecordThatCannotBeReplacedIsRemoved(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", map[string]string{"say": "old"})
	path := m.files(t)[0]
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)), 0o700))

	c := initialise(t, first, "c", map[string]string{"say": "new"})
	data, err := get(c, "x")
	require.NoError(t, err)
	assert.Equal(t, "new", data["property.say"])
	assert.Contains(t, first.log.String(), "will not outlive this process")
	assert.Empty(t, m.files(t), "a restart must not bring the old metadata back")
}

func TestAStateFolderThatVanishesIsMadeAgain(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	require.NoError(t, os.RemoveAll(m.state))
	initialise(t, first, "c", map[string]string{"say": "hi"})
	first.stop()

	data, err := get(dial(t, m.start(t, &echoes{}), "c"), "x")
	require.NoError(t, err)
	assert.Equal(t, "hi", data["property.say"])
}

func TestAStateFolderOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		// Only root can give a folder away; for anybody else root's own is one
		// that the process may not write to.
		s := serve(t, &echoes{}, func(o *pluggable.Options) { o.StateFolder = "/root-owned" })
		assert.Contains(t, s.log.String(), "--state-dir")
		return
	}
	m := newMachine(t)
	require.NoError(t, os.Mkdir(m.state, 0o777))
	require.NoError(t, os.Chown(m.state, 65534, 65534))
	s := m.start(t, &echoes{})
	assert.Contains(t, s.log.String(), "is not a folder of this process's user")
	initialise(t, s, "c", nil)
	assert.Empty(t, m.files(t))
}

func TestAStoreThatOpensAfterTheEndIsClosed(t *testing.T) {
	m := newMachine(t)
	first := m.start(t, &echoes{})
	initialise(t, first, "c", nil)
	first.stop()

	release := make(chan struct{})
	stores := &echoes{init: func(context.Context, secretstores.Metadata) error { <-release; return nil }}
	m.start(t, stores).stop()
	close(release)
	require.Eventually(t, func() bool { return stores.inits() == 1 && stores.open() == 0 && stores.closedTwice() == 0 }, patience, tick)
}

// TestInitsOfOneNameThatOverlap has an Init fail while another waits for it and a
// third comes: there is one instance in the end, with one store.
func TestInitsOfOneNameThatOverlap(t *testing.T) {
	begun, release := make(chan struct{}, 3), make(chan struct{})
	stores := &echoes{init: func(_ context.Context, meta secretstores.Metadata) error {
		begun <- struct{}{}
		if meta.Properties["fail"] != "" {
			<-release
			return errors.New("no")
		}
		return nil
	}}
	s := serve(t, stores, nil)
	results := make(chan error, 3)
	start := func(properties map[string]string) {
		c := daprd.NewGRPCSecretStore(logger.NewLogger("daprd"), s.socket)
		t.Cleanup(func() { _ = c.Close() })
		go func() { results <- c.Init(context.Background(), meta("c", properties)) }()
	}
	start(map[string]string{"fail": "yes"})
	<-begun
	start(nil)
	start(nil)
	close(release)

	failures := 0
	for range 3 {
		if err := <-results; err != nil {
			assert.Equal(t, codes.InvalidArgument, status.Code(err))
			failures++
		}
	}
	assert.Equal(t, 1, failures)
	require.Eventually(t, func() bool { return stores.open() == 1 }, patience, tick)
	assert.Equal(t, 1, s.Instances())
	s.stop()
	assert.Zero(t, stores.open())
}
