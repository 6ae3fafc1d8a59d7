package store

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

// timeUntilOpen makes 40 calls a second to a store that hangs. It returns the time until the breaker
// opens.
func timeUntilOpen(t *testing.T, limits Limits, request time.Duration, hang func(context.Context) (string, error)) time.Duration {
	t.Helper()
	g := quietGuard(t, limits)
	began := time.Now()
	var all sync.WaitGroup
	defer all.Wait()
	for range 20 * 40 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(task.Ensure(t.Context()), request)
			defer cancel()
			_, err := guarded(ctx, g, hang)
			assert.Error(t, err)
		})
		<-time.After(time.Second / 40)
		if g.breaker.State() == gobreaker.StateOpen {
			return time.Since(began)
		}
	}
	return -1
}

func TestTheBreakerOpensWhileCallsWaitForAStoreThatHangs(t *testing.T) {
	for _, heeds := range []bool{true, false} {
		for _, places := range []int{1, 4, 64} {
			for _, request := range []time.Duration{2 * time.Second, requestTime} {
				t.Run(fmt.Sprintf("heeds its context: %v, concurrency %d, request timeout %v", heeds, places, request), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						gate := make(chan struct{})
						defer close(gate)
						hang := func(ctx context.Context) (string, error) {
							if heeds {
								<-ctx.Done()
								return "", Failed(ctx.Err())
							}
							<-gate
							return "", nil
						}
						limits := DefaultLimits()
						limits.Concurrency = places
						opened := timeUntilOpen(t, limits, request, hang)
						require.Positive(t, opened)
						assert.LessOrEqual(t, opened, max(request, limits.Timeout)+time.Second)
					})
				})
			}
		}
	}
}

func TestShedRetryReturnsTheStoresFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{Retries: 1})
		ctx := task.Ensure(t.Context())
		_, err := guarded(ctx, g, func(context.Context) (string, error) {
			task.Of(ctx).MarkShed() // shed from another store's queue
			return "", &credential.StoreError{Kind: credential.Timeout}
		})
		assert.NotErrorIs(t, err, credential.ErrOverloaded)
		assert.Equal(t, credential.Timeout, credential.KindOf(err))
	})
}
