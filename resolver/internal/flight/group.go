// Package flight is a single flight that is ordered by time: a caller shares a read with
// others only if the read began late enough for the caller.
//
// It knows keys and reads, and not what is read. In particular, it knows no cache.
package flight

import (
	"context"
	"errors"
	"sync"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

// Group is a single flight: it runs at most one read of a key at a time, and all callers
// that ask for the key meanwhile share the result. A caller that needs a newer read than
// the current one waits for the next read, together with all callers like it.
//
// A read goes on after its callers have left, until its own timeout. Its context has the values
// of the caller that began it, such as a trace. A Group is safe for concurrent use.
type Group[K comparable, T any] struct {
	now     func() time.Time
	timeout time.Duration // of one read
	spacing time.Duration // shortest time from the beginning of one read of a key to that of the next

	life context.Context // ended by Close
	end  context.CancelFunc
	all  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	queues map[K]*queue[T] // only of keys that are being read
}

// queue holds the current read of one key, and the next one if a caller waits for it.
type queue[T any] struct{ current, next *Call[T] }

var (
	errClosed = errors.New("the store is being closed")

	// ErrNotBegun means that a new read was necessary, and that it was not allowed.
	ErrNotBegun = errors.New("no read was started")
)

// New returns a group with the clock now. timeout limits one read. spacing is the shortest
// time from the beginning of one read of a key to the beginning of the next; zero: none.
func New[K comparable, T any](now func() time.Time, timeout, spacing time.Duration) *Group[K, T] {
	g := &Group[K, T]{now: now, timeout: timeout, spacing: spacing, queues: map[K]*queue[T]{}}
	g.life, g.end = context.WithCancel(context.Background())
	return g
}

// Do returns the result of a read of the key that began at since or later; zero: at any
// time. It waits until ctx ends. After Close, its error is of kind Unavailable.
func (g *Group[K, T]) Do(
	ctx context.Context, key K, since time.Time, read func(context.Context, time.Time) (T, error),
) (T, error) {
	return g.DoWhen(ctx, key, since, Always, read)
}

// DoWhen is like Do, but begins a new read only if allow returns true. Otherwise its error
// is [ErrNotBegun]. allow runs under the lock of the group, so no other read begins
// meanwhile.
func (g *Group[K, T]) DoWhen(
	ctx context.Context, key K, since time.Time, allow func() bool, read func(context.Context, time.Time) (T, error),
) (T, error) {
	ctx = task.Ensure(ctx)
	for again := false; ; again = true {
		call, err := g.Join(ctx, key, since, allow, read)
		if err != nil {
			var zero T
			return zero, err
		}
		value, err := call.Wait(ctx)
		if again || !call.shedWithAnother(task.Of(ctx), err) {
			return value, err
		}
	}
}

// Always allows every read; see [Group.DoWhen].
func Always() bool { return true }

// Join returns the call that [Group.DoWhen] would wait for, and begins it if necessary. ctx
// must have a task. It joins the task of the call: a background read that a request joins is
// no longer in the background.
func (g *Group[K, T]) Join(
	ctx context.Context, key K, since time.Time, allow func() bool, read func(context.Context, time.Time) (T, error),
) (*Call[T], error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, &credential.StoreError{Kind: credential.Unavailable, Err: errClosed}
	}
	q, ok := g.queues[key]
	switch {
	case ok && !q.current.began.Before(since):
		q.current.task.Join(ctx)
		return q.current, nil
	case ok && q.next != nil:
		q.next.task.Join(ctx)
		return q.next, nil
	case !allow():
		return nil, ErrNotBegun
	}
	call := NewCall(read)
	call.task, call.caller = task.Of(ctx), ctx
	if ok {
		q.next = call
		return call, nil
	}
	call.began = g.now()
	q = &queue[T]{current: call}
	g.queues[key] = q
	g.all.Go(func() { g.run(key, q) })
	return call, nil
}

// run makes the reads of a key until no caller waits for another one. With a spacing, the
// queue stays until the next read may begin, so that all callers until then share that
// read.
func (g *Group[K, T]) run(key K, q *queue[T]) {
	for call := q.current; call != nil; {
		ctx, cancel := context.WithTimeout(g.life, g.timeout)
		call.run(task.With(withValues{ctx, call.caller}, call.task))
		cancel()
		ended := call
		if g.spacing > 0 {
			close(ended.done)
			g.Pause(g.spacing - g.now().Sub(ended.began))
		}
		g.mu.Lock()
		call = q.next
		if call == nil {
			delete(g.queues, key)
		} else {
			call.began = g.now()
			q.current, q.next = call, nil
		}
		g.mu.Unlock()
		if g.spacing == 0 {
			close(ended.done) // only now: a caller that asks again must not find this call
		}
	}
}

// withValues is a context with the values of another one. Its own values come first: the
// package context finds a parent's end by one.
type withValues struct {
	context.Context

	values context.Context // asked only for values
}

// Value implements context.Context.
func (c withValues) Value(key any) any {
	if value := c.Context.Value(key); value != nil {
		return value
	}
	return c.values.Value(key)
}

// Running tells whether a read of the key is in progress, or its spacing is not over.
func (g *Group[K, T]) Running(key K) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.queues[key]
	return ok
}

// Settle waits until the current read of the key has ended, or ctx ends. It returns at once
// if there is no read.
func (g *Group[K, T]) Settle(ctx context.Context, key K) {
	g.mu.Lock()
	q, ok := g.queues[key]
	var current *Call[T]
	if ok {
		current = q.current
	}
	g.mu.Unlock()
	if ok {
		_, _ = current.Wait(ctx)
	}
}

// Go runs a function in a goroutine that Close waits for. It must not be called after Close.
func (g *Group[K, T]) Go(run func()) { g.all.Go(run) }

// Context returns a context that Close ends.
func (g *Group[K, T]) Context() context.Context { return g.life }

// Pause waits for d, or until Close.
func (g *Group[K, T]) Pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.life.Done():
	}
}

// Close ends all reads and waits for them.
func (g *Group[K, T]) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.end()
	g.all.Wait()
}
