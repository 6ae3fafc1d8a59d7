package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// quietGuard returns a guard whose log only the test's output shows.
func quietGuard(t *testing.T, limits Limits) *guard {
	t.Helper()
	log := logger.NewLogger(t.Name())
	log.SetOutput(t.Output())
	return newGuard(limits, "secretStore (secretstores.test)", log)
}

// failing returns a call that fails the first n times, and a counter of its calls.
func failing(n int, kind credential.Kind) (call func(context.Context) (string, error), made *atomic.Int32) {
	made = &atomic.Int32{}
	return func(context.Context) (string, error) {
		if int(made.Add(1)) <= n {
			return "", &credential.StoreError{Kind: kind, Err: errors.New("no")}
		}
		return "v", nil
	}, made
}

func TestOnlyTransientFailuresAreRepeated(t *testing.T) {
	for _, row := range []struct {
		kind    credential.Kind
		retries int
		made    int32
		ok      bool
	}{
		{credential.Unavailable, 2, 3, true},
		{credential.Timeout, 2, 3, true},
		{credential.Unavailable, 1, 2, false},
		{credential.Unavailable, 0, 1, false},
		{credential.Denied, 2, 1, false},
		{credential.NotFound, 2, 1, false},
		{credential.Internal, 2, 1, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			call, made := failing(2, row.kind)
			value, err := guarded(t.Context(), quietGuard(t, Limits{Retries: row.retries, BreakerFailures: 5}), call)
			assert.Equal(t, row.made, made.Load(), row)
			if row.ok {
				require.NoError(t, err)
				assert.Equal(t, "v", value)
				return
			}
			storetest.RequireKind(t, row.kind, err, row)
		})
	}
}

func TestRetriesEndWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call, made := failing(1000, credential.Unavailable)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_, err := guarded(ctx, quietGuard(t, Limits{Retries: 10}), call)
		storetest.RequireKind(t, credential.Unavailable, err, "the error must be the store's failure")
		assert.LessOrEqual(t, time.Since(begin), time.Second)
		assert.Greater(t, made.Load(), int32(2))
	})
}

func TestAStoreThatFailsIsNotAskedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{BreakerFailures: 3, BreakerInterval: 5 * time.Second})
		call, made := failing(4, credential.Unavailable)
		ask := func() error { _, err := guarded(t.Context(), g, call); return err }
		for range 10 {
			storetest.RequireKind(t, credential.Unavailable, ask())
		}
		assert.Equal(t, int32(3), made.Load(), "no calls after the breaker has opened")

		<-time.After(5*time.Second + time.Millisecond) // the bubble's clock, so the test does not wait
		require.Error(t, ask(), "the fourth failure")
		require.Error(t, ask(), "the breaker must be open again")
		assert.Equal(t, int32(4), made.Load())

		<-time.After(5*time.Second + time.Millisecond)
		require.NoError(t, ask(), "the store is back")
		require.NoError(t, ask())
	})
}

// A credential may need several calls at once. When the store is back, all of them must
// succeed, even though the breaker first lets only one probe through.
func TestCallsThatComeAtOnceWaitForTheOneThatProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{BreakerFailures: 1, Timeout: time.Second})
		call, _ := failing(1, credential.Unavailable)
		_, err := guarded(t.Context(), g, call)
		require.Error(t, err)
		<-time.After(DefaultBreakerInterval + time.Millisecond)

		slow := func(ctx context.Context) (string, error) {
			<-time.After(100 * time.Millisecond)
			return call(ctx)
		}
		var calls sync.WaitGroup
		for range 8 {
			calls.Go(func() {
				_, err := guarded(t.Context(), g, slow)
				assert.NoError(t, err)
			})
		}
		calls.Wait()
	})
}

func TestAProbeIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{BreakerFailures: 1, Retries: 2})
		call, made := failing(1000, credential.Unavailable)
		_, _ = guarded(t.Context(), g, call)
		require.Equal(t, int32(3), made.Load())
		<-time.After(DefaultBreakerInterval + time.Millisecond)
		_, _ = guarded(t.Context(), g, call)
		require.Equal(t, int32(4), made.Load())
	})
}

func TestOnlyStoreFailuresOpenTheBreaker(t *testing.T) {
	for _, kind := range []credential.Kind{credential.NotFound, credential.Denied} {
		g := quietGuard(t, Limits{BreakerFailures: 2})
		call, made := failing(10, kind)
		for range 10 {
			_, _ = guarded(t.Context(), g, call)
		}
		assert.Equal(t, int32(10), made.Load())
	}
	t.Run("a caller that leaves", func(t *testing.T) {
		g := quietGuard(t, Limits{BreakerFailures: 2, Timeout: storetest.Long})
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := guarded(ctx, g, func(ctx context.Context) (string, error) {
				cancel()
				<-ctx.Done()
				return "", Failed(ctx.Err())
			})
			require.Error(t, err)
		}
		call, _ := failing(0, credential.Unavailable)
		_, err := guarded(t.Context(), g, call)
		require.NoError(t, err)
	})
}

func TestNoMoreCallsThanAllowedAreUnderWay(t *testing.T) {
	g := quietGuard(t, Limits{Concurrency: 3, Timeout: storetest.Long})
	var running, peak atomic.Int32
	release := make(chan struct{})
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			_, err := guarded(t.Context(), g, func(context.Context) (string, error) {
				now := running.Add(1)
				for p := peak.Load(); now > p && !peak.CompareAndSwap(p, now); p = peak.Load() {
				}
				<-release
				running.Add(-1)
				return "", nil
			})
			assert.NoError(t, err)
		})
	}
	require.Eventually(t, func() bool { return running.Load() == 3 }, storetest.Long, time.Millisecond)
	close(release)
	calls.Wait()
	assert.Equal(t, int32(3), peak.Load())
}

func TestACallThatHangsKeepsItsPlace(t *testing.T) {
	g := quietGuard(t, Limits{Concurrency: 1, Timeout: 10 * time.Millisecond})
	release := make(chan struct{})
	var made atomic.Int32
	hang := func(context.Context) (string, error) { made.Add(1); <-release; return "", nil }
	_, err := guarded(t.Context(), g, hang)
	assert.Equal(t, credential.Timeout, credential.KindOf(err))
	_, err = guarded(t.Context(), g, hang)
	assert.Equal(t, credential.Timeout, credential.KindOf(err), "the hanging call occupies the only place")
	assert.EqualValues(t, 1, made.Load())

	close(release)
	call, _ := failing(0, credential.Unavailable)
	require.Eventually(t, func() bool {
		_, err := guarded(t.Context(), g, call)
		return err == nil
	}, storetest.Long, time.Millisecond)
}

func TestLimitsHaveDefaults(t *testing.T) {
	assert.Equal(t, Limits{Timeout: 3 * time.Second, Concurrency: 64, BreakerInterval: 5 * time.Second}, Limits{}.withDefaults())
	assert.Equal(t, Limits{
		Timeout: 3 * time.Second, Retries: 2, Concurrency: 64, BreakerFailures: 5, BreakerInterval: 5 * time.Second,
	}, DefaultLimits().withDefaults())
}

// Processes that lost a store at the same time must not probe it at the same time.
func TestBreakersProbeAtDifferentTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const breakers = 100
		began, probes := time.Now(), map[time.Duration]int{}
		for range breakers {
			g := quietGuard(t, Limits{BreakerFailures: 1})
			call, made := failing(1, credential.Unavailable)
			_, err := guarded(t.Context(), g, call)
			require.Error(t, err)
			for range 50 {
				<-time.After(100 * time.Millisecond)
				_, _ = guarded(t.Context(), g, call)
				if made.Load() > 1 {
					probes[time.Since(began)]++
					break
				}
			}
			began = time.Now()
		}
		require.Greater(t, len(probes), 5)
		for after, n := range probes {
			require.GreaterOrEqual(t, after, DefaultBreakerInterval*4/5)
			require.LessOrEqual(t, after, DefaultBreakerInterval+100*time.Millisecond)
			require.Less(t, n, breakers/2)
		}
	})
}
