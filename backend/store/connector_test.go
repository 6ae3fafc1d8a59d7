package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// countedConn counts the calls of Close.
type countedConn struct {
	closed *atomic.Int32
	err    error
}

func (c countedConn) Close() error { c.closed.Add(1); return c.err }

func newConn() countedConn { return countedConn{closed: new(atomic.Int32)} }

func ignore(error) {}

// expired returns a context that has ended.
func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestConnectorHandsOutTheConnectedStore(t *testing.T) {
	conn := newConn()
	l := newConnector(func(context.Context) (countedConn, error) { return conn, nil }, ignore)
	require.NoError(t, l.awaitFirst(t.Context(), true))
	require.Eventually(t, func() bool {
		got, err := l.await(expired(t)) // a connected store needs no time
		return err == nil && got == conn
	}, storetest.Long, time.Millisecond)
	require.NoError(t, l.Close())
	require.EqualValues(t, 1, conn.closed.Load())
}

func TestConnectorConnectsAfterFailures(t *testing.T) {
	var attempts, told atomic.Int32
	down := errors.New("down")
	l := newConnector(func(context.Context) (countedConn, error) {
		if attempts.Add(1) < 3 {
			return countedConn{}, down
		}
		return newConn(), nil
	}, func(err error) {
		if errors.Is(err, down) {
			told.Add(1)
		}
	})
	defer func() { require.NoError(t, l.Close()) }()
	require.NoError(t, l.awaitFirst(t.Context(), false), "a retryable failure must not be returned yet")
	conn, err := l.await(t.Context())
	require.NoError(t, err)
	require.NotNil(t, conn.closed)
	require.EqualValues(t, 3, attempts.Load())
	require.EqualValues(t, 2, told.Load())
}

func TestConnectorReturnsAnyFailureOfTheFirstAttemptIfAsked(t *testing.T) {
	down := errors.New("down")
	l := newConnector(func(context.Context) (countedConn, error) { return countedConn{}, down }, ignore)
	defer func() { require.NoError(t, l.Close()) }()
	require.ErrorIs(t, l.awaitFirst(t.Context(), true), down)
}

func TestConnectorReturnsPermanentErrors(t *testing.T) {
	wrong := errors.New("wrong")
	l := newConnector(func(context.Context) (countedConn, error) { return countedConn{}, Permanent(wrong) }, ignore)
	defer func() { require.NoError(t, l.Close()) }()
	require.ErrorIs(t, l.awaitFirst(t.Context(), false), wrong)
}

func TestConnectorConnectsAfterAPermanentErrorIsFixed(t *testing.T) {
	var attempts atomic.Int32
	l := newConnector(func(context.Context) (countedConn, error) {
		if attempts.Add(1) == 1 {
			return countedConn{}, errors.New("not there yet")
		}
		if attempts.Load() == 2 {
			return countedConn{}, Permanent(errors.New("half written"))
		}
		return newConn(), nil
	}, ignore)
	defer func() { require.NoError(t, l.Close()) }()
	_, err := l.await(t.Context())
	require.NoError(t, err)
}

func TestPanicWhileConnectingIsFinalAndKeptQuiet(t *testing.T) {
	const canary = "canary-in-the-panic"
	l := newConnector(func(context.Context) (countedConn, error) { panic(canary) }, ignore)
	defer func() { require.NoError(t, l.Close()) }()
	err := l.awaitFirst(t.Context(), false)
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
}

func TestAwaitOfAStoreThatIsNotConnectedIsUnavailable(t *testing.T) {
	l := newConnector(func(ctx context.Context) (countedConn, error) {
		<-ctx.Done()
		return countedConn{}, ctx.Err()
	}, ignore)
	defer func() { require.NoError(t, l.Close()) }()
	require.NoError(t, l.awaitFirst(expired(t), false), "the attempts continue in the background")
	require.ErrorIs(t, l.awaitFirst(expired(t), true), errNotConnected)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := l.await(ctx)
	storetest.RequireKind(t, credential.Unavailable, err, "a store that is not connected is Unavailable, not Timeout")
}

func TestAwaitOfAStoreThatRefusesUsIsDenied(t *testing.T) {
	told := make(chan struct{}, 1)
	l := newConnector(func(context.Context) (countedConn, error) {
		return countedConn{}, &credential.StoreError{Kind: credential.Denied, Err: errors.New("wrong password")}
	}, func(error) {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	defer func() { require.NoError(t, l.Close()) }()
	<-told
	_, err := l.await(expired(t))
	storetest.RequireKind(t, credential.Denied, err)
	require.True(t, storetest.IsGeneral(err))
	require.ErrorIs(t, err, errNotConnected)
}

// A store that does not come up must not collect the calls of hours.
func TestCallsThatWaitForAStoreToConnectAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newConnector(func(ctx context.Context) (countedConn, error) {
			<-ctx.Done()
			return countedConn{}, ctx.Err()
		}, ignore)
		for range 2 * maxWaiting {
			_, err := l.await(expired(t))
			require.Error(t, err)
		}
		require.Zero(t, l.calls.Load(), "those that have left")
		var all sync.WaitGroup
		ctx, leave := context.WithCancel(t.Context())
		for range maxWaiting {
			all.Go(func() { _, _ = l.await(ctx) })
		}
		synctest.Wait()
		began := time.Now()
		limited, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := l.await(limited)
		storetest.RequireKind(t, credential.Unavailable, err)
		require.Zero(t, time.Since(began), "it fails at once")
		leave()
		all.Wait()
		require.NoError(t, l.Close())
	})
}

func TestClosingEndsTheAttempts(t *testing.T) {
	l := newConnector(func(ctx context.Context) (countedConn, error) {
		<-ctx.Done()
		return countedConn{}, ctx.Err()
	}, ignore)
	require.NoError(t, l.Close())
	<-l.ended
	_, err := l.await(t.Context())
	storetest.RequireKind(t, credential.Unavailable, err, "a call must not wait for a closed store")
}

func TestStoreThatConnectsAfterItWasClosedIsClosed(t *testing.T) {
	// Other tests of this binary may have running goroutines.
	here := goleak.IgnoreCurrent()
	conn, hanging, release := newConn(), make(chan struct{}), make(chan struct{})
	l := newConnector(func(context.Context) (countedConn, error) {
		close(hanging)
		<-release // ignores its context
		return conn, nil
	}, ignore)
	<-hanging
	require.NoError(t, l.Close(), "Close must not wait for a hanging attempt")
	require.Zero(t, conn.closed.Load())
	close(release)
	require.Eventually(t, func() bool { return conn.closed.Load() == 1 }, storetest.Long, time.Millisecond)
	goleak.VerifyNone(t, here)
}

func TestHangingAttemptThatFailsAfterItWasClosedLeavesNothing(t *testing.T) {
	here := goleak.IgnoreCurrent()
	hanging, release := make(chan struct{}), make(chan struct{})
	var attempts atomic.Int32
	l := newConnector(func(context.Context) (countedConn, error) {
		if attempts.Add(1) == 1 {
			close(hanging)
		}
		<-release
		return countedConn{}, errors.New("down")
	}, ignore)
	<-hanging
	require.NoError(t, l.Close())
	close(release)
	<-l.ended
	require.EqualValues(t, 1, attempts.Load())
	goleak.VerifyNone(t, here)
}

func TestClosingTwiceClosesTheStoreOnce(t *testing.T) {
	conn := newConn()
	conn.err = errors.New("closing failed")
	l := newConnector(func(context.Context) (countedConn, error) { return conn, nil }, ignore)
	<-l.ready
	require.ErrorIs(t, l.Close(), conn.err)
	require.NoError(t, l.Close())
	require.EqualValues(t, 1, conn.closed.Load())
}
