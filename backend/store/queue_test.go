package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

// newWaiter is a call of a task of its own that has waited for a time.
func newWaiter(waited time.Duration) *waiter {
	return &waiter{task: &task.Task{}, arrived: time.Now().Add(-waited), done: make(chan struct{})}
}

// queueOf is a queue of one place, which is taken, in which calls wait.
func queueOf(waiting ...*waiter) *queue {
	q := newQueue(Limits{Concurrency: 1, Timeout: DefaultTimeout})
	q.running, q.waiting, q.heard, q.admissions = 1, waiting, time.Now(), 1
	return q
}

// ended returns how the wait of a call ended, which it has.
func ended(t *testing.T, w *waiter) error {
	t.Helper()
	select {
	case <-w.done:
		return w.err
	default:
		require.Fail(t, "the call still waits")
		return nil
	}
}

func TestWhichCallIsNextAndWhichIsShed(t *testing.T) {
	oldest, newest := newWaiter(2), newWaiter(1)
	begun, begunLater := newWaiter(2), newWaiter(1)
	begun.admitted, begunLater.admitted = true, true
	background := newWaiter(3)
	background.task = task.Of(task.InBackground(t.Context()))
	for name, test := range map[string]struct {
		waiting    []*waiter
		overloaded bool
		next, last *waiter
	}{
		"a burst":                         {[]*waiter{oldest, newest}, false, oldest, newest},
		"an overload":                     {[]*waiter{oldest, newest}, true, newest, oldest},
		"tasks that have begun":           {[]*waiter{oldest, begun, begunLater, newest}, false, begun, newest},
		"tasks that have begun, overload": {[]*waiter{oldest, begun, begunLater, newest}, true, begun, oldest},
		"a background refresh":            {[]*waiter{background, oldest, newest}, false, oldest, background},
	} {
		t.Run(name, func(t *testing.T) {
			q := queueOf(test.waiting...)
			q.overloaded = test.overloaded
			assert.Same(t, test.next, q.next())
			assert.Same(t, test.last, q.last())
		})
	}
}

func TestCallThatArrivesAtAFullQueueIsRefused(t *testing.T) {
	q := queueOf()
	for range maxWaiting {
		q.waiting = append(q.waiting, newWaiter(time.Millisecond))
	}
	first := q.waiting[0]
	w := q.join(t.Context(), &task.Task{})
	require.ErrorIs(t, ended(t, w), credential.ErrOverloaded)
	assert.Same(t, first, q.waiting[0])
}

func TestCallThatJoinsTakesAPlaceThatBecameFree(t *testing.T) {
	q := newQueue(Limits{Concurrency: 1, Timeout: DefaultTimeout})
	w := q.join(t.Context(), &task.Task{})
	require.NoError(t, ended(t, w))
}

func TestOnlyACallOfATaskThatHasBegunIsNeverLate(t *testing.T) {
	q := queueOf()
	q.typical = time.Millisecond
	w := newWaiter(time.Hour)
	assert.True(t, q.late(w, time.Now()))
	w.admitted = true
	assert.False(t, q.late(w, time.Now()))
}

func TestShedTaskLosesAllItsCalls(t *testing.T) {
	one, other := newWaiter(1), newWaiter(1)
	other.task, other.admitted = one.task, true
	stays := newWaiter(1)
	q := queueOf(one, stays, other)
	q.shed(one)
	for _, w := range []*waiter{one, other} {
		require.ErrorIs(t, ended(t, w), credential.ErrOverloaded)
	}
	assert.Equal(t, []*waiter{stays}, q.waiting)
}

func TestOverloadEndsWithTheLastWaitingCall(t *testing.T) {
	for name, end := range map[string]func(q *queue){
		"shed":     func(q *queue) { q.shed(q.waiting[0]) },
		"admitted": func(q *queue) { q.release(time.Millisecond) },
		"refused":  func(q *queue) { q.refuse(errNotAsked()) },
	} {
		q := queueOf(newWaiter(1))
		q.overloaded = true
		end(q)
		assert.Empty(t, q.waiting, name)
		assert.False(t, q.overloaded, name)
	}
}

func TestTypicalDurationIsAnAverage(t *testing.T) {
	q := queueOf()
	q.answered(100*time.Millisecond, time.Now())
	assert.Equal(t, 100*time.Millisecond, q.typical)
	q.answered(900*time.Millisecond, time.Now())
	assert.Equal(t, 200*time.Millisecond, q.typical)
}

func TestCallWithoutADeadlineWaitsAsLongAsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(Limits{Concurrency: 1, Timeout: time.Minute, Retries: 9})
		require.True(t, q.enter(&task.Task{}))
		began := time.Now()
		_, err := q.acquire(context.Background())
		assert.Equal(t, credential.Timeout, credential.KindOf(err), "the store hangs")
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

// The store is not to blame for a call that got its place late.
func TestCallThatUsedItsTimeInTheQueueIsAnOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := quietGuard(t, Limits{Concurrency: 1})
		first := make(chan error, 1)
		go func() {
			_, err := bounded(t.Context(), g, answersAfter(50*time.Millisecond))
			first <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := bounded(ctx, g, answersAfter(time.Second))
		require.ErrorIs(t, err, credential.ErrOverloaded)
		require.NoError(t, <-first)
	})
}
