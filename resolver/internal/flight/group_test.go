package flight_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/internal/flight"
	"credential-resolver/resolver/task"
)

const key = "key"

// reads is a source that counts its reads, each of which takes a second.
type reads struct {
	mu    sync.Mutex
	n     int
	began []time.Time
}

func (r *reads) read(_ context.Context, began time.Time) (int, error) {
	r.mu.Lock()
	r.n++
	n := r.n
	r.began = append(r.began, began)
	r.mu.Unlock()
	<-time.After(time.Second)
	return n, nil
}

// testGroup runs a test on a group in a bubble of time.
func testGroup(t *testing.T, spacing time.Duration, test func(t *testing.T, g *flight.Group[string, int], r *reads)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := flight.New[string, int](time.Now, 10*time.Second, spacing)
		defer g.Close()
		test(t, g, &reads{})
	})
}

func TestCallersShareAReadThatBeganLateEnough(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		began := time.Now()
		var callers sync.WaitGroup
		do := func(since time.Time, want int) {
			callers.Go(func() {
				got, err := g.Do(t.Context(), key, since, r.read)
				assert.NoError(t, err)
				assert.Equal(t, want, got, since.Sub(began))
			})
			synctest.Wait()
		}
		do(began, 1)
		do(time.Time{}, 1)
		do(began, 1) // which is the very time when it began
		<-time.After(time.Millisecond)
		do(began, 1)
		do(began.Add(1), 2)
		do(time.Now(), 2)
		do(time.Time{}, 1)
		callers.Wait()
		assert.Equal(t, []time.Time{began, began.Add(time.Second)}, r.began, "the second began when the first had ended")
		assert.False(t, g.Running(key))
	})
}

func TestANewReadNeedsPermission(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		never := func() bool { return false }
		_, err := g.DoWhen(t.Context(), key, time.Time{}, never, r.read)
		require.ErrorIs(t, err, flight.ErrNotBegun)
		_, err = g.Join(task.Ensure(t.Context()), key, time.Time{}, flight.Always, r.read)
		require.NoError(t, err)
		got, err := g.DoWhen(t.Context(), key, time.Time{}, never, r.read)
		require.NoError(t, err)
		assert.Equal(t, 1, got, "to share one needs none")
	})
}

func TestAReadEndsWithItsTimeout(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], _ *reads) {
		block := func(ctx context.Context, _ time.Time) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		began := time.Now()
		_, err := g.Do(t.Context(), key, time.Time{}, block)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(began))
	})
}

func TestAReadGoesOnWithoutItsCallers(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		ctx, leave := context.WithTimeout(t.Context(), time.Millisecond)
		defer leave()
		_, err := g.Do(ctx, key, time.Time{}, r.read)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.True(t, g.Running(key))
		got, err := g.Do(t.Context(), key, time.Time{}, r.read)
		require.NoError(t, err)
		assert.Equal(t, 1, got)
	})
}

func TestNoReadBeginsAfterClose(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		g.Close()
		_, err := g.Do(t.Context(), key, time.Time{}, r.read)
		require.ErrorIs(t, err, credential.Unavailable)
		assert.Empty(t, r.began)
	})
}

func TestCloseEndsAPause(t *testing.T) {
	testGroup(t, time.Minute, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		_, err := g.Do(t.Context(), key, time.Time{}, r.read)
		require.NoError(t, err)
		assert.True(t, g.Running(key))
		began := time.Now()
		g.Close()
		assert.Zero(t, time.Since(began))
	})
}

func TestReadsAreSpacedFromBeginningToBeginning(t *testing.T) {
	testGroup(t, 3*time.Second, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		began := time.Now()
		for i := range 3 {
			<-time.After(1)
			got, err := g.Do(t.Context(), key, time.Now(), r.read)
			require.NoError(t, err)
			require.Equal(t, i+1, got)
		}
		assert.Equal(t, []time.Time{began.Add(1), began.Add(3*time.Second + 1), began.Add(6*time.Second + 1)}, r.began)
	})
}

// A request waits for it now, so a queue must not shed it first.
func TestForegroundCallerMovesTheReadToTheForeground(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		var tasks []*task.Task
		join := func(ctx context.Context) {
			_, err := g.Join(ctx, key, time.Now(), flight.Always, func(ctx context.Context, began time.Time) (int, error) {
				tasks = append(tasks, task.Of(ctx))
				return r.read(ctx, began)
			})
			require.NoError(t, err)
		}
		background := task.InBackground(t.Context())
		join(background)
		<-time.After(time.Millisecond)
		next := task.InBackground(t.Context())
		join(next)
		assert.True(t, task.Of(background).Background())
		join(task.InBackground(t.Context()))
		assert.True(t, task.Of(next).Background(), "joined by another in the background")
		join(task.Ensure(t.Context()))
		assert.False(t, task.Of(next).Background())
		assert.True(t, task.Of(background).Background(), "nobody joined this one")
		_, err := g.Join(task.Ensure(t.Context()), key, time.Time{}, flight.Always, r.read)
		require.NoError(t, err)
		assert.False(t, task.Of(background).Background())
		<-time.After(3 * time.Second)
		assert.Equal(t, []*task.Task{task.Of(background), task.Of(next)}, tasks)
	})
}

// shed marks the task of a read as refused by a queue.
func shed(ctx context.Context, _ time.Time) (int, error) {
	<-time.After(time.Second)
	task.Of(ctx).MarkShed()
	return 0, &credential.StoreError{Kind: credential.Unavailable, Err: credential.ErrOverloaded}
}

func TestCallerAsksAgainOnceAfterAnotherTaskWasShed(t *testing.T) {
	for name, row := range map[string]struct {
		callerShed bool // a queue has refused another call of the caller's task
		again      func(r *reads) func(context.Context, time.Time) (int, error)
		want       int
		failure    error
	}{
		"and is answered":                 {false, func(r *reads) func(context.Context, time.Time) (int, error) { return r.read }, 1, nil},
		"and is shed itself":              {false, func(*reads) func(context.Context, time.Time) (int, error) { return shed }, 0, credential.ErrOverloaded},
		"but not if its own task is shed": {true, func(r *reads) func(context.Context, time.Time) (int, error) { return r.read }, 0, credential.ErrOverloaded},
	} {
		t.Run(name, func(t *testing.T) {
			testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
				_, err := g.Join(task.Ensure(t.Context()), key, time.Time{}, flight.Always, shed)
				require.NoError(t, err)
				ctx := task.Ensure(t.Context())
				if row.callerShed {
					task.Of(ctx).MarkShed()
				}
				got, err := g.Do(ctx, key, time.Time{}, row.again(r))
				assert.Equal(t, row.want, got)
				assert.ErrorIs(t, err, row.failure)
				assert.Equal(t, row.want, r.n)
			})
		})
	}
}

func TestCallerAsksAgainOnlyOnce(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		for range 2 { // the second is the next read
			_, err := g.Join(task.Ensure(t.Context()), key, time.Now(), flight.Always, shed)
			require.NoError(t, err)
			<-time.After(time.Millisecond)
		}
		_, err := g.Do(t.Context(), key, time.Time{}, r.read)
		require.ErrorIs(t, err, credential.ErrOverloaded)
		assert.Empty(t, r.began, "it has joined both")
	})
}

func TestPanicInAReadIsItsError(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		_, err := g.Do(t.Context(), key, time.Time{}, func(context.Context, time.Time) (int, error) { panic("in a store") })
		require.ErrorIs(t, err, credential.ErrPanic)
		got, err := g.Do(t.Context(), key, time.Time{}, r.read)
		require.NoError(t, err)
		assert.Equal(t, 1, got)
	})
}

func TestSettleWaitsForTheReadInProgress(t *testing.T) {
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		began := time.Now()
		g.Settle(t.Context(), key)
		assert.Zero(t, time.Since(began), "none is")
		_, err := g.Join(task.Ensure(t.Context()), key, time.Time{}, flight.Always, r.read)
		require.NoError(t, err)
		g.Settle(t.Context(), key)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestACallIsSharedByAllThatWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("down")
		call := flight.NewCall(func(context.Context, time.Time) (int, error) {
			<-time.After(time.Second)
			return 7, failure
		})
		go call.Run(t.Context())
		for range 2 {
			got, err := call.Wait(t.Context())
			assert.Equal(t, 7, got)
			assert.ErrorIs(t, err, failure)
		}
	})
}

// Tracing finds the request of a call to a store by it.
func TestAReadHasTheValuesOfTheCallerThatBeganIt(t *testing.T) {
	type caller struct{}
	testGroup(t, 0, func(t *testing.T, g *flight.Group[string, int], r *reads) {
		began := make(chan any, 3)
		for _, name := range []string{"one", "two", "three"} { // the third joins the read that the second waits for
			ctx, leave := context.WithCancel(context.WithValue(task.Ensure(t.Context()), caller{}, name))
			_, err := g.Join(ctx, key, time.Now(), flight.Always, func(ctx context.Context, at time.Time) (int, error) {
				began <- ctx.Value(caller{})
				n, err := r.read(ctx, at)
				assert.NoError(t, ctx.Err(), "the read goes on without its caller")
				return n, err
			})
			require.NoError(t, err)
			leave()
			<-time.After(time.Millisecond)
		}
		<-time.After(3 * time.Second)
		require.Len(t, began, 2)
		assert.Equal(t, "one", <-began)
		assert.Equal(t, "two", <-began)
	})
}
