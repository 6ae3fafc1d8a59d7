package pluggable_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
)

// blocked is a call that blocks until the test releases it.
type blocked struct {
	started chan struct{}
	release chan struct{}
}

func newBlocked() *blocked { return &blocked{make(chan struct{}), make(chan struct{})} }

// get blocks for the secret "block" and answers any other.
func (b *blocked) get(_ context.Context, req secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
	if req.Name == "block" {
		close(b.started)
		<-b.release
	}
	return secretstores.GetSecretResponse{Data: map[string]string{"echo": "HELLO"}}, nil
}

// call makes the blocking call. The channel receives its error.
func (b *blocked) call(t *testing.T, c pluggabletest.Client) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := get(c, "block")
		done <- err
	}()
	<-b.started
	return done
}

func TestARunningCallGetsToEnd(t *testing.T) {
	b := newBlocked()
	stores := &echoes{get: b.get}
	s := serve(t, stores, func(o *pluggable.Options) { o.StopTimeout = time.Hour })
	ended := b.call(t, initialise(t, s, "c", nil))

	s.Cancel()
	require.Eventually(t, func() bool { return !exists(s.socket) }, patience, tick, "the socket must be removed first")
	assert.Equal(t, 1, stores.open())
	assert.Empty(t, s.Done)
	close(b.release)

	require.NoError(t, <-ended)
	require.NoError(t, s.wait())
	assert.Zero(t, stores.open())
}

func TestOtherCallsAreAnsweredWhileOneGetsToEnd(t *testing.T) {
	b := newBlocked()
	s := serve(t, &echoes{get: b.get}, func(o *pluggable.Options) { o.StopTimeout = time.Hour })
	c := initialise(t, s, "c", nil)
	ended := b.call(t, c)
	s.Cancel()
	require.Eventually(t, func() bool { return !exists(s.socket) }, patience, tick)
	for range 10 {
		assertEchoes(t, c)
	}
	close(b.release)
	require.NoError(t, <-ended)
	require.NoError(t, s.wait())
}

func TestTheServerGoesOnWhileDaprdDrains(t *testing.T) {
	s := serve(t, &echoes{}, func(o *pluggable.Options) { o.ShutdownDelay = time.Hour })
	c := initialise(t, s, "c", nil)
	again := dial(t, s, "c")
	s.Cancel()
	require.Eventually(t, func() bool { return strings.Contains(s.log.String(), "still serving while daprd is connected") }, patience, tick)
	assertEchoes(t, c)
	assertEchoes(t, again)
	assert.True(t, exists(s.socket), "daprd may need to dial again")
	assert.Empty(t, s.Done)

	require.NoError(t, c.Close())
	require.NoError(t, again.Close())
	require.NoError(t, s.wait(), "the server stops with the last connection")
	assert.False(t, exists(s.socket))
}

func TestStrangersDoNotDelayTheEnd(t *testing.T) {
	s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.ShutdownDelay = time.Hour })
	s.RefuseEverybody()
	s.start()
	require.NoError(t, s.AwaitSocket())
	require.False(t, closes(t, s), "a stranger connects, and stays")
	s.stop()
}

func TestTheServerGoesOnForTheDelayAtMost(t *testing.T) {
	s := serve(t, &echoes{}, func(o *pluggable.Options) { o.ShutdownDelay = 50 * time.Millisecond })
	initialise(t, s, "c", nil)
	s.stop()
}

func TestAServerWithoutClientsDoesNotWait(t *testing.T) {
	serve(t, &echoes{}, func(o *pluggable.Options) { o.ShutdownDelay = time.Hour }).stop()
}

func TestACallThatHangsDoesNotHoldTheProcess(t *testing.T) {
	b := newBlocked()
	stores := &echoes{get: b.get}
	s := serve(t, stores, func(o *pluggable.Options) { o.StopTimeout = 50 * time.Millisecond })
	ended := b.call(t, initialise(t, s, "c", nil))
	release := sync.OnceFunc(func() { close(b.release) })
	t.Cleanup(release)

	s.stop()

	require.Error(t, <-ended)
	assert.Equal(t, 1, stores.open(), "the store of a running call must stay open")
	release()
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick)
}

// TestACallThatHangsAfterItsCallerHasLeftDoesNotHoldTheProcess covers issue 9393 of grpc-go.
func TestACallThatHangsAfterItsCallerHasLeftDoesNotHoldTheProcess(t *testing.T) {
	b := newBlocked()
	stores := &echoes{get: b.get}
	s := serve(t, stores, func(o *pluggable.Options) { o.StopTimeout = 50 * time.Millisecond })
	c := initialise(t, s, "c", nil)
	ended := b.call(t, c)
	require.NoError(t, c.Close())
	require.Error(t, <-ended)
	t.Cleanup(func() { close(b.release) })

	s.stop()
}

func TestAStoreThatHangsAsItIsClosedDoesNotHoldTheProcess(t *testing.T) {
	release := make(chan struct{})
	stores := &echoes{close: func() error { <-release; return nil }}
	s := serve(t, stores, func(o *pluggable.Options) { o.StopTimeout = 50 * time.Millisecond })
	initialise(t, s, "c", nil)
	t.Cleanup(func() { close(release) })

	s.stop()
}

func TestACallThatHeedsItsContextEndsWithTheProcess(t *testing.T) {
	started := make(chan struct{})
	stores := &echoes{get: func(ctx context.Context, _ secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
		close(started)
		<-ctx.Done()
		return secretstores.GetSecretResponse{}, ctx.Err()
	}}
	s := serve(t, stores, func(o *pluggable.Options) { o.StopTimeout = 50 * time.Millisecond })
	c := initialise(t, s, "c", nil)
	ended := make(chan error, 1)
	go func() {
		_, err := get(c, "x")
		ended <- err
	}()
	<-started

	s.stop()

	require.Error(t, <-ended)
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick)
}

func TestStoresAreClosedOnceAtTheEnd(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	initialise(t, s, "one", nil)
	initialise(t, s, "two", nil)
	require.Equal(t, 2, stores.open())

	s.stop()

	assert.Zero(t, stores.open())
	assert.Zero(t, stores.closedTwice())
	assert.Zero(t, s.Instances())
}

func TestAServerWithoutClientsStops(t *testing.T) {
	serve(t, &echoes{}, nil).stop()
}

func TestServerStoppedBeforeItStartsEnds(t *testing.T) {
	s := newServer(t, &echoes{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx))
	assert.False(t, exists(s.socket))
}
