package pluggable_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/dapr/pkg/components/pluggable"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

func TestAConnectionThatEndsDuringACallClosesItsStoreAfterwards(t *testing.T) {
	b := newBlocked()
	stores := &echoes{get: b.get}
	s := serve(t, stores, nil)
	c := initialise(t, s, "c", nil)
	ended := b.call(t, c)

	require.NoError(t, c.Close())
	require.Error(t, <-ended)
	assert.Equal(t, 1, stores.open(), "the call runs on without its caller")
	assertEchoes(t, dial(t, s, "c"))
	close(b.release)

	require.Eventually(t, func() bool { return stores.open() == 1 }, patience, tick)
	assert.Zero(t, stores.closedTwice())
}

// connection is one connection of a daprd. It can serve several Components.
type connection struct {
	*grpc.ClientConn
	proto.SecretStoreClient
}

func connect(t *testing.T, s *running, opts ...grpc.DialOption) connection {
	t.Helper()
	conn, err := pluggable.SocketDial(t.Context(), s.socket, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return connection{conn, proto.NewSecretStoreClient(conn)}
}

func (c connection) initialise(component string) error {
	_, err := c.Init(as(component), &proto.SecretStoreInitRequest{Metadata: &proto.MetadataRequest{
		Properties: map[string]string{"say": "hi"},
	}})
	return err
}

func (c connection) get(component string) (string, error) {
	resp, err := c.Get(as(component), &proto.GetSecretRequest{Key: "hello"})
	return resp.GetData()["echo"], err
}

// as returns a context that names the Component of a call, as daprd's client does.
func as(component string) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "x-component-instance", component)
}

func TestAConnectionThatEndsDuringItsInitLeavesNoStoreOpen(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	stores := &echoes{init: func(_ context.Context, meta secretstores.Metadata) error {
		if meta.Name == "slow" {
			close(started)
			<-release
		}
		return nil
	}}
	s := serve(t, stores, nil)
	c := connect(t, s)
	require.NoError(t, c.initialise("quick"))
	ended := make(chan error, 1)
	go func() { ended <- c.initialise("slow") }()
	<-started

	require.NoError(t, c.Close())
	require.Error(t, <-ended)
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick, "the server has seen the end")
	close(release)

	require.Eventually(t, func() bool { return stores.made[1].closes.Load() == 1 }, patience, tick)
	assert.Zero(t, stores.open())
}

func TestTheEndOfAnOlderConnectionLeavesItsSuccessorAlone(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	older, newer := connect(t, s), connect(t, s)
	require.NoError(t, older.initialise("other"))
	require.NoError(t, older.initialise("c"))
	require.NoError(t, newer.initialise("c"))
	_, err := older.get("c") // a call that was still running when the Component was reloaded
	require.NoError(t, err)

	require.NoError(t, older.Close())
	require.Eventually(t, func() bool { return stores.made[0].closes.Load() == 1 }, patience, tick, "the server has seen the end")

	echo, err := newer.get("c")
	require.NoError(t, err)
	assert.Equal(t, "HELLO", echo)
	assert.Equal(t, 3, stores.inits(), "its store stayed in use")
}

// TestDaprdGoesIdleAndComesBack shortens gRPC's idle timeout, which is normally half an hour.
func TestDaprdGoesIdleAndComesBack(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	c := connect(t, s, grpc.WithIdleTimeout(10*time.Millisecond))
	require.NoError(t, c.initialise("c"))
	for i := range 3 {
		require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick)
		echo, err := c.get("c")
		require.NoError(t, err)
		assert.Equal(t, "HELLO", echo)
		assert.Equal(t, i+2, stores.inits())
	}
}
