package store

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

const (
	// maxWaiting bounds the calls that wait for one store.
	maxWaiting = 2048
	// maxQueueTime is how long a call waits at most while more calls come than the store
	// can take; longer, if the store needs longer for one call.
	maxQueueTime = time.Second
	// backgroundShare is the share of background refreshes among the calls, while both
	// wait: one in so many. Without any, a secret that was rotated would not be seen as
	// long as an overload lasts.
	backgroundShare = 8
)

// queue admits calls to one store, so many at a time, and lets the others wait within
// bounds. It has three classes: calls of a task that it has admitted a call of, since a
// task is lost if one of its calls is; calls of other tasks; and background refreshes.
//
// Within a class the call that has waited longest is next. A burst is served so, as far as
// the callers' deadlines allow. But when a call arrives while another has waited for
// maxQueueTime, more calls come than the store can take: then the newest call is next, and
// calls are shed that have waited for maxQueueTime, until no call waits any more (adaptive
// LIFO with controlled delay). So those that are answered are answered soon, and the store
// works for nobody who has given up.
type queue struct {
	places  int
	timeout time.Duration // how long a call without a deadline waits
	silence time.Duration // after so long without an answer the store is taken to hang

	mu         sync.Mutex
	running    int
	waiting    []*waiter // in the order of their arrival
	overloaded bool
	admissions int
	typical    time.Duration // how long a call takes: a moving average
	heard      time.Time     // when the store answered last, or was first asked after a pause
}

// waiter is a call that waits.
type waiter struct {
	task     *task.Task
	admitted bool // whether the queue has admitted a call of the task
	arrived  time.Time
	deadline time.Time     // zero: none
	done     chan struct{} // closed when err is there
	err      error         // nil: the call is admitted
}

func newQueue(limits Limits) *queue {
	attempts := time.Duration(1 + max(0, limits.Retries))
	return &queue{places: limits.Concurrency, timeout: limits.Timeout, silence: attempts * limits.Timeout}
}

// acquire waits until a call may be made, which [queue.release] ends. It returns the waiter
// of a call that had to wait, else nil. Its error is a [resolver.StoreError]: the call was shed, the caller has
// left, or the store hangs.
func (q *queue) acquire(ctx context.Context) (*waiter, error) {
	t := task.Of(ctx)
	if t == nil {
		t = &task.Task{}
	}
	if t.Shed() {
		return nil, errOverloaded()
	}
	if q.enter(t) {
		return nil, nil //nolint:nilnil // the call did not wait
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.timeout)
		defer cancel()
	}
	w := q.join(ctx, t)
	return w, q.wait(ctx, w)
}

// enter admits a call, if it does not have to wait.
func (q *queue) enter(t *task.Task) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running >= q.places || len(q.waiting) > 0 {
		return false
	}
	if q.running == 0 {
		q.heard = time.Now()
	}
	q.admit(t)
	return true
}

// join returns the waiter that stands for a call.
func (q *queue) join(ctx context.Context, t *task.Task) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &waiter{task: t, admitted: t.Admitted(q), arrived: time.Now(), done: make(chan struct{})}
	w.deadline, _ = ctx.Deadline()
	q.shedLate(w.arrived)
	q.waiting = append(q.waiting, w)
	if len(q.waiting) > maxWaiting {
		q.shed(q.last())
	}
	q.admitNext() // a place may have become free since
	return w
}

// wait returns when w is done.
func (q *queue) wait(ctx context.Context, w *waiter) error {
	timer := time.NewTimer(maxQueueTime)
	defer timer.Stop()
	for {
		select {
		case <-w.done:
			return w.err
		case <-timer.C:
			q.timeUp(w)
			timer.Reset(maxQueueTime)
		case <-ctx.Done():
			q.leave(ctx, w)
			return w.err
		}
	}
}

// timeUp sheds a call that has waited for maxQueueTime, if there are too many, or if the
// store hangs.
func (q *queue) timeUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if (q.overloaded && q.late(w, now) || q.hangsFor(w, now)) && slices.Contains(q.waiting, w) {
		q.shed(w)
	}
}

// leave takes a call out of the queue whose caller has left, or whose time is up.
func (q *queue) leave(ctx context.Context, w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.remove(w): // it was admitted, or shed, at the same moment
	case errors.Is(ctx.Err(), context.Canceled):
		w.end(&credential.StoreError{Kind: credential.Unavailable, Err: ctx.Err()})
	default:
		w.end(q.refusal(w, time.Now()))
	}
}

// release ends a call that was admitted, and admits others. took is how long the store
// needed for an answer; zero, if it gave none.
func (q *queue) release(took time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if took > 0 {
		q.answered(took, now)
	}
	q.running--
	q.shedHopeless(now)
	q.admitNext()
}

// admitNext admits the calls that wait and that there are places for.
func (q *queue) admitNext() {
	for q.running < q.places && len(q.waiting) > 0 {
		w := q.next()
		q.remove(w)
		q.admit(w.task)
		w.end(nil)
	}
}

// refuse ends the wait of all calls with an error.
func (q *queue) refuse(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.waiting {
		w.end(err)
	}
	q.waiting, q.overloaded = nil, false
}

func (q *queue) admit(t *task.Task) {
	q.running++
	q.admissions++
	t.MarkAdmitted(q)
	for _, w := range q.waiting {
		w.admitted = w.admitted || w.task == t
	}
}

func (w *waiter) end(err error) {
	w.err = err
	close(w.done)
}
