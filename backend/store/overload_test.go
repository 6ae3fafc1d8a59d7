package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

const (
	serviceTime = 200 * time.Millisecond
	requestTime = 10 * time.Second
)

// answersAfter returns a healthy store that answers each call after a fixed time.
func answersAfter(took time.Duration) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		select {
		case <-time.After(took):
			return "v", nil
		case <-ctx.Done():
			return "", Failed(ctx.Err())
		}
	}
}

// load collects the results of the tasks of a test. It must run in a synctest bubble.
type load struct {
	t     *testing.T
	g     *guard
	store func(context.Context) (string, error)

	all     sync.WaitGroup
	mu      sync.Mutex
	right   []time.Duration // durations of the successful tasks
	refused []error
	longest time.Duration // longest duration of a refused task
}

// task starts a task with some concurrent calls. A foreground task has a waiting request.
func (l *load) task(background bool, calls int) {
	ctx := l.t.Context()
	if background {
		ctx = task.InBackground(ctx)
	} else {
		ctx = task.Ensure(ctx)
	}
	l.all.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		began := time.Now()
		var group sync.WaitGroup
		failures := make([]error, calls)
		for i := range calls {
			group.Go(func() { _, failures[i] = guarded(ctx, l.g, l.store) })
		}
		group.Wait()
		l.record(time.Since(began), errors.Join(failures...))
	})
}

func (l *load) record(took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.right = append(l.right, took)
		return
	}
	l.refused = append(l.refused, err)
	l.longest = max(l.longest, took)
}

// percentile returns a percentile of the durations of the successful tasks.
func (l *load) percentile(p int) time.Duration {
	slices.Sort(l.right)
	return l.right[len(l.right)*p/100]
}

// underLoad runs a test in a synctest bubble, on a healthy store. It handles four calls at a
// time, 20 a second.
func underLoad(t *testing.T, limits Limits, test func(l *load)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &load{t: t, g: quietGuard(t, limits), store: answersAfter(serviceTime)}
		test(l)
		l.all.Wait()
	})
}

func fourAtATime() Limits {
	limits := DefaultLimits()
	limits.Concurrency = 4
	return limits
}

const capacity = 20 // calls a second

func TestOverloadKeepsTheRateOfAnswers(t *testing.T) {
	const seconds = 30
	for _, calls := range []int{1, 8} {
		for _, times := range []int{1, 2, 5, 20} {
			t.Run(fmt.Sprintf("%d calls a task, %d times the capacity", calls, times), func(t *testing.T) {
				underLoad(t, fourAtATime(), func(l *load) {
					every := time.Second * time.Duration(calls) / time.Duration(times*capacity)
					for began := time.Now(); time.Since(began) < seconds*time.Second; <-time.After(every) {
						l.task(false, calls)
					}
					l.all.Wait()
					assert.GreaterOrEqual(t, len(l.right), seconds*capacity/calls*9/10)
					assert.Less(t, l.percentile(99), 2*time.Second)
					assert.LessOrEqual(t, l.longest, 2*time.Second, "a refused task must be shed early")
					for _, err := range l.refused {
						require.ErrorIs(t, err, credential.ErrOverloaded)
					}
					assert.Zero(t, l.g.breaker.Counts().TotalFailures, "the store is healthy")
				})
			})
		}
	}
}

func TestABurstIsAnsweredInItsOrder(t *testing.T) {
	underLoad(t, fourAtATime(), func(l *load) {
		const calls = 150 // these take 7.5 seconds
		for range calls {
			l.task(false, 1)
			<-time.After(time.Millisecond)
		}
		l.all.Wait()
		assert.Len(t, l.right, calls)
		assert.True(t, slices.IsSorted(l.right))
	})
	underLoad(t, DefaultLimits(), func(l *load) {
		const calls = 1000
		for range calls {
			l.task(false, 1)
		}
		l.all.Wait()
		assert.Len(t, l.right, calls)
	})
}

func TestACallThatCannotEndInTimeIsRefusedEarly(t *testing.T) {
	underLoad(t, fourAtATime(), func(l *load) {
		const calls = 1000 // a fifth of these can be answered in time
		for range calls {
			l.task(false, 1)
		}
		l.all.Wait()
		inTime := int(requestTime / time.Second * capacity)
		assert.InDelta(t, inTime, len(l.right), 4)
		assert.Less(t, l.longest, time.Second, "refused as soon as the duration of a call is known")
		assert.Len(t, l.refused, calls-len(l.right))
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{Concurrency: 1})
		gate := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 1 + maxWaiting + 100 {
			all.Go(func() {
				_, _ = guarded(ctx, g, func(context.Context) (string, error) { <-gate; return "", nil })
			})
		}
		synctest.Wait()
		assert.Len(t, g.queue.waiting, maxWaiting)
		cancel()
		close(gate)
		all.Wait()
		synctest.Wait()
		assert.Empty(t, g.queue.waiting)
	})
}

func TestASlowStoreIsNoOverload(t *testing.T) {
	const slow = 3 * time.Second
	limits := DefaultLimits()
	limits.Timeout = 2 * slow
	for name, before := range map[string]int{"that answers for the first time": 0, "that has answered before": 1} {
		t.Run(name, func(t *testing.T) {
			underLoad(t, limits, func(l *load) {
				l.store = answersAfter(slow)
				for range before {
					l.task(false, 1)
					l.all.Wait()
				}
				const burst = 100 // takes two rounds
				for range burst {
					l.task(false, 1)
				}
				<-time.After(slow / 2)
				l.task(false, 1)
				l.all.Wait()
				assert.Len(t, l.right, before+burst+1)
			})
		})
	}
}

// inOrder queues calls one after another while all places are taken. It returns the order in
// which they run once a place is free.
func inOrder(t *testing.T, callers ...context.Context) (made []int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{Concurrency: 1})
		gate := make(chan struct{})
		var all sync.WaitGroup
		call := func(i int) func(context.Context) (string, error) {
			return func(context.Context) (string, error) {
				<-gate
				made = append(made, i)
				return "", nil
			}
		}
		for i, ctx := range callers {
			all.Go(func() { _, _ = guarded(ctx, g, call(i)) })
			synctest.Wait()
		}
		for range callers {
			gate <- struct{}{}
			synctest.Wait()
		}
		all.Wait()
	})
	return made
}

func TestRequestsGoBeforeBackgroundRefreshes(t *testing.T) {
	background := func() context.Context { return task.InBackground(context.Background()) }
	request := func() context.Context { return task.Ensure(context.Background()) }
	assert.Equal(t, []int{0, 3, 4, 1, 2}, inOrder(t, request(), background(), background(), request(), request()))

	t.Run("background calls get a share", func(t *testing.T) {
		callers := []context.Context{request(), background(), background()}
		for range 2 * backgroundShare {
			callers = append(callers, request())
		}
		made := inOrder(t, callers...)
		assert.Equal(t, backgroundShare, slices.Index(made, 1))
		assert.Equal(t, 2*backgroundShare, slices.Index(made, 2))
	})
}

func TestATaskThatHasBegunGoesFirst(t *testing.T) {
	begun := task.Ensure(context.Background())
	other := task.Ensure(context.Background())
	assert.Equal(t, []int{0, 3, 1, 2}, inOrder(t, begun, other, context.Background(), begun))
}

func TestOverloadIsNeitherRepeatedNorAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{Concurrency: 1, Retries: 5, BreakerFailures: 1})
		gate := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			_, _ = guarded(t.Context(), g, func(context.Context) (string, error) { <-gate; return "", nil })
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		call, made := failing(0, credential.Unavailable)
		_, err := guarded(ctx, g, call)
		require.ErrorIs(t, err, credential.ErrOverloaded)
		storetest.RequireKind(t, credential.Unavailable, err)
		assert.Zero(t, made.Load())
		close(gate)
		all.Wait()
		_, err = guarded(t.Context(), g, call)
		require.NoError(t, err, "the breaker must not open")
	})
}

func TestAllWaitingCallsOfAShedTaskEnd(t *testing.T) {
	const calls = 8
	underLoad(t, Limits{Concurrency: 1}, func(l *load) {
		for range maxWaiting {
			l.task(false, calls)
			synctest.Wait()
		}
		waiting := map[*task.Task]int{}
		l.g.queue.mu.Lock()
		for _, w := range l.g.queue.waiting {
			waiting[w.task]++
		}
		l.g.queue.mu.Unlock()
		for _, n := range waiting {
			assert.GreaterOrEqual(t, n, calls-1)
		}
	})
}

func TestATaskThatWasShedMakesNoMoreCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := task.Ensure(t.Context())
		task.Of(ctx).MarkShed()
		call, made := failing(0, credential.Unavailable)
		began := time.Now()
		_, err := guarded(ctx, quietGuard(t, Limits{Retries: 5}), call)
		require.ErrorIs(t, err, credential.ErrOverloaded)
		assert.Zero(t, made.Load())
		assert.Zero(t, time.Since(began), "and does not try again")
	})
}

// The store has hung for as long as one call may take: those that wait learn it at once.
func TestCallsThatWaitForAStoreThatHangsEndWhenTheBreakerOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{Concurrency: 1, Timeout: time.Second, Retries: 9, BreakerFailures: 1})
		gate := make(chan struct{})
		hang := func(context.Context) (string, error) { <-gate; return "", nil }
		var all sync.WaitGroup
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := guarded(ctx, g, hang)
			assert.Equal(t, credential.Timeout, credential.KindOf(err))
		})
		synctest.Wait()
		began := time.Now()
		for range 10 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), requestTime)
				defer cancel()
				_, err := guarded(ctx, g, hang)
				assert.ErrorIs(t, err, errOpen)
				assert.Equal(t, time.Second, time.Since(began))
			})
		}
		all.Wait()
		close(gate)
		synctest.Wait()
	})
}

func TestNoCallIsMadeWhileTheBreakerIsOpen(t *testing.T) {
	g := quietGuard(t, Limits{Concurrency: 1, BreakerFailures: 1})
	call, made := failing(1, credential.Unavailable)
	_, err := guarded(t.Context(), g, call)
	require.Error(t, err)
	_, err = bounded(t.Context(), g, call) // as one that was admitted in the moment before
	require.ErrorIs(t, err, errOpen)
	assert.EqualValues(t, 1, made.Load())
	assert.Zero(t, g.queue.running, "it gives its place back")
}

func TestCallsThatWaitForAProbeAreBounded(t *testing.T) {
	g := quietGuard(t, Limits{BreakerFailures: 1})
	require.False(t, g.awaitProbe(expired(t), g.probe()))
	require.Zero(t, g.waiting, "one that has left")
	require.True(t, g.join(maxWaiting))
	require.False(t, g.join(1))
	require.Equal(t, maxWaiting, g.waiting)
}

func TestCallsThatWaitEndWhenTheBreakerOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{Concurrency: 1, BreakerFailures: 2})
		call, made := failing(1000, credential.Unavailable)
		slow := func(ctx context.Context) (string, error) {
			<-time.After(serviceTime)
			return call(ctx)
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				_, err := guarded(t.Context(), g, slow)
				assert.ErrorIs(t, err, credential.Unavailable)
			})
		}
		all.Wait()
		assert.LessOrEqual(t, made.Load(), int32(2+1), "one call may have been admitted just before")
	})
}
