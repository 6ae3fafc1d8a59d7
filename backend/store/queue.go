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
	// maxWaiting is the most calls that wait for one store.
	maxWaiting = 2048
	// maxQueueTime is the longest wait of a call while the store is overloaded. The wait is
	// longer if the store needs longer for one call.
	maxQueueTime = time.Second
	// backgroundShare reserves one in so many calls for background refreshes while other calls
	// wait too. Without a share, a rotated secret would not be noticed during an overload.
	backgroundShare = 8
)

// queue admits a limited number of calls to one store at a time, and lets a bounded number of
// others wait. It has three classes, in this order: calls of a task that has already had a
// call admitted, because a task fails if one of its calls is shed; calls of other tasks; and
// background refreshes.
//
// Within a class, the call that has waited longest is next. This serves a burst, as far as the
// callers' deadlines allow. If a call arrives while another has waited for maxQueueTime, the
// store is overloaded. Then the newest call is next, and calls that have waited for
// maxQueueTime are shed, until no call waits any more (adaptive LIFO with controlled delay).
// So a call that is answered is answered soon, and the store does no work for callers that
// have given up.
type queue struct {
	places  int
	timeout time.Duration // the longest wait of a call without a deadline
	silence time.Duration // the store counts as hanging after so long without an answer

	mu         sync.Mutex
	running    int
	waiting    []*waiter // in order of arrival
	overloaded bool
	admissions int
	typical    time.Duration // the duration of a call: a moving average; zero: no answer yet
	heard      time.Time     // when the store last answered, or was called after an idle time
}

// waiter is a call that waits in the queue.
type waiter struct {
	task     *task.Task
	admitted bool // whether the queue has admitted a call of the task
	arrived  time.Time
	deadline time.Time     // zero: none
	done     chan struct{} // closed when err is set
	err      error         // nil: the call is admitted
}

func newQueue(limits Limits) *queue {
	attempts := time.Duration(1 + max(0, limits.Retries))
	return &queue{places: limits.Concurrency, timeout: limits.Timeout, silence: attempts * limits.Timeout}
}

// acquire waits until a call may be made. The caller ends the call with [queue.release]. It
// returns the waiter of a call that had to wait, else nil. Its error is a
// [credential.StoreError]: the call was shed, the caller has left, or the store hangs.
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

// enter admits a call if it does not have to wait. It reports whether it did.
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

// join adds a call to the queue and returns its waiter.
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
	q.admitNext() // a place may have become free meanwhile
	return w
}

// wait returns when w has been admitted or refused, or when ctx ends.
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

// timeUp sheds a call that has waited for maxQueueTime if the queue is overloaded or the store
// hangs.
func (q *queue) timeUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if (q.overloaded && q.late(w, now) || q.hangsFor(w, now)) && slices.Contains(q.waiting, w) {
		q.shed(w)
	}
}

// leave removes a call whose caller has left or whose deadline has passed.
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

// release ends an admitted call and admits others. took is how long the store needed for its
// answer; zero if it gave no answer.
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

// admitNext admits waiting calls to the free places.
func (q *queue) admitNext() {
	for q.running < q.places && len(q.waiting) > 0 {
		w := q.next()
		q.remove(w)
		q.admit(w.task)
		w.end(nil)
	}
}

// refuse fails all waiting calls with an error.
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
