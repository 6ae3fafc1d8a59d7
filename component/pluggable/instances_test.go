package pluggable_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component/pluggable/pluggabletest"
	"credential-resolver/internal/canary"
)

func TestTwoComponentsOnOneSocketAreSeparate(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	one := initialise(t, s, "one", map[string]string{"say": "first"})
	two := initialise(t, s, "two", map[string]string{"say": "second"})

	for say, c := range map[string]pluggabletest.Client{"first": one, "second": two} {
		data, err := get(c, "x")
		require.NoError(t, err)
		assert.Equal(t, say, data["property.say"])
	}
	require.NoError(t, one.Close())
	require.Eventually(t, func() bool { return stores.open() == 1 }, patience, tick)
	assertEchoes(t, two)
}

func TestAnInstanceIsUnavailableUntilItsInit(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	initialise(t, s, "other", nil)
	c := dial(t, s, "credentials")

	_, err := get(c, "x")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.ErrorContains(t, err, "restart daprd")
	_, err = c.BulkGetSecret(t.Context(), secretstores.BulkGetSecretRequest{})
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.Equal(t, 1, stores.inits())
	assert.NoError(t, c.Ping(), "Ping only says that the process is alive")
}

func TestASecondInitReplacesTheInstance(t *testing.T) {
	b := newBlocked()
	stores := &echoes{get: b.get}
	s := serve(t, stores, nil)
	ended := b.call(t, initialise(t, s, "c", nil))

	c := initialise(t, s, "c", nil)
	assert.Equal(t, 2, stores.open(), "the old store still has a running call")
	assertEchoes(t, c)
	close(b.release)

	require.NoError(t, <-ended)
	require.Eventually(t, func() bool { return stores.open() == 1 }, patience, tick)
	assert.Equal(t, 1, s.Instances())
	assertEchoes(t, c)
	assert.Zero(t, stores.closedTwice())
}

func TestASecondInitIsServedWithItsOwnProperties(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	initialise(t, s, "c", map[string]string{"say": "old", "gone": "x"})
	c := initialise(t, s, "c", map[string]string{"say": "new"})

	data, err := get(c, "x")

	require.NoError(t, err)
	assert.Equal(t, map[string]string{"echo": "X", "component": "c", "property.say": "new"}, data)
	require.Eventually(t, func() bool { return stores.open() == 1 }, patience, tick, "an old store without calls closes")
}

func TestAnInitThatFails(t *testing.T) {
	stores := &echoes{init: func(_ context.Context, meta secretstores.Metadata) error {
		if meta.Properties["fail"] != "" {
			return errors.New("metadata fail: is not good")
		}
		return nil
	}}
	fail := func(t *testing.T, s *running) {
		t.Helper()
		c := pluggabletest.NewClient(t, s.socket)
		err := c.Init(t.Context(), meta("c", map[string]string{"fail": "yes"}))
		assert.Equal(t, codes.InvalidArgument, status.Code(err))
		assert.ErrorContains(t, err, "metadata fail: is not good")
	}

	t.Run("the first Init leaves nothing", func(t *testing.T) {
		s := serve(t, stores, nil)
		fail(t, s)
		assert.Zero(t, s.Instances())
		_, err := get(dial(t, s, "c"), "x")
		assert.Equal(t, codes.Unavailable, status.Code(err))
		assertEchoes(t, initialise(t, s, "c", nil))
	})
	t.Run("a later Init leaves the old instance", func(t *testing.T) {
		s := serve(t, stores, nil)
		c := initialise(t, s, "c", map[string]string{"say": "old"})
		fail(t, s)
		data, err := get(c, "x")
		require.NoError(t, err)
		assert.Equal(t, "old", data["property.say"])
	})
	t.Run("a status error keeps its code", func(t *testing.T) {
		own := &echoes{init: func(context.Context, secretstores.Metadata) error {
			return status.Error(codes.PermissionDenied, "not you")
		}}
		c := pluggabletest.NewClient(t, serve(t, own, nil).socket)
		assert.Equal(t, codes.PermissionDenied, status.Code(c.Init(t.Context(), meta("c", nil))))
		require.NoError(t, c.Close())
	})
}

func TestAnInitThatPanicsIsInternalAndCanBeRepeated(t *testing.T) {
	stores := &echoes{init: func(_ context.Context, meta secretstores.Metadata) error {
		if meta.Properties["panic"] != "" {
			panic(meta.Properties["panic"])
		}
		return nil
	}}
	s := serve(t, stores, nil)
	c := pluggabletest.NewClient(t, s.socket)
	err := c.Init(t.Context(), meta("c", map[string]string{"panic": canary.Secret}))

	assert.Equal(t, codes.Internal, status.Code(err))
	assert.NotContains(t, err.Error(), canary.Secret)
	assert.Zero(t, s.Instances(), "a failed Init must leave nothing")
	_, err = get(c, "x")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assertEchoes(t, initialise(t, s, "c", nil))
}

func TestAnInstanceWithoutPropertiesIsAnInstance(t *testing.T) {
	stores := &echoes{init: func(_ context.Context, meta secretstores.Metadata) error {
		if len(meta.Properties) > 0 {
			return errors.New("it takes none")
		}
		return nil
	}}
	s := serve(t, stores, nil)
	c := initialise(t, s, "c", nil)

	failing := pluggabletest.NewClient(t, s.socket)
	require.Error(t, failing.Init(t.Context(), meta("c", map[string]string{"say": "hi"})))
	assertEchoes(t, c)

	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick)
	assertEchoes(t, dial(t, s, "c"))
}

func TestCloseErrorIsLoggedWithoutItsText(t *testing.T) {
	stores := &echoes{close: func() error { return errors.New(canary.Secret) }}
	s := serve(t, stores, nil)
	initialise(t, s, "c", nil)
	s.stop()
	assert.Contains(t, s.log.String(), "did not close cleanly")
	assert.NotContains(t, s.log.String(), canary.Secret)
}

func TestAStoreThatPanicsAsItIsClosedHarmsNothingElse(t *testing.T) {
	stores := &echoes{close: func() error { panic(canary.Secret) }}
	s := serve(t, stores, nil)
	require.NoError(t, initialise(t, s, "c", nil).Close())
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick)
	assertEchoes(t, initialise(t, s, "c", nil))
	s.stop()
	assert.NotContains(t, s.log.String(), canary.Secret)
}
