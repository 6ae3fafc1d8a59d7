package pluggable_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable/pluggabletest"
	"credential-resolver/internal/canary"
)

// left returns a server with one instance whose connection has ended.
func left(t *testing.T, stores *echoes) *running {
	t.Helper()
	s := serve(t, stores, nil)
	c := initialise(t, s, "c", map[string]string{"say": "hi"})
	assertEchoes(t, c)
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick,
		"the stores of an instance without a connection are closed")
	return s
}

func TestAnInstanceComesBackOnANewConnectionWithoutInit(t *testing.T) {
	stores := &echoes{}
	s := left(t, stores)

	data, err := get(dial(t, s, "c"), "x")

	require.NoError(t, err)
	assert.Equal(t, map[string]string{"echo": "X", "component": "c", "property.say": "hi"}, data)
	assert.Equal(t, 2, stores.inits())
	assert.Equal(t, 1, stores.open())
	assert.Equal(t, 1, s.Instances())
	assert.Contains(t, s.log.String(), `instance \"c\" of pid`)
}

func TestManyCallsThatComeBackAtOnceMakeOneInit(t *testing.T) {
	release, waiting := make(chan struct{}), make(chan struct{}, 1)
	var second atomic.Bool
	stores := &echoes{init: func(context.Context, secretstores.Metadata) error {
		if second.Load() {
			waiting <- struct{}{}
			<-release
		}
		return nil
	}}
	s := left(t, stores)
	second.Store(true)
	clients := []pluggabletest.Client{dial(t, s, "c"), dial(t, s, "c")}

	var calls sync.WaitGroup
	for i := range 16 {
		calls.Go(func() { assertEchoes(t, clients[i%len(clients)]) })
	}
	<-waiting
	close(release)
	calls.Wait()

	assert.Equal(t, 2, stores.inits())
	assert.Equal(t, 1, stores.open())
}

func TestAnInstanceThatCannotComeBackIsUnavailableAndTriedAgain(t *testing.T) {
	var down atomic.Bool
	stores := &echoes{init: func(context.Context, secretstores.Metadata) error {
		if down.Load() {
			return errors.New(canary.Secret)
		}
		return nil
	}}
	s := left(t, stores)
	down.Store(true)
	c := dial(t, s, "c")

	_, err := get(c, "x")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.NotContains(t, err.Error(), canary.Secret)
	assert.Contains(t, s.log.String(), "initialised again", "the error refers to the log")

	down.Store(false)
	assertEchoes(t, c)
}
