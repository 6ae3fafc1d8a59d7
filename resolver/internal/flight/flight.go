package flight

import (
	"context"
	"errors"
	"sync"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

// flights has at most one read of a key under way. Who asks for the key meanwhile
// gets what that read brings, unless it began before what he asks for may have been
// read: then he waits for the next one, with all who ask like him.
//
// A read goes on when the one who began it has left, until its own time is up.
type Group[K comparable, T any] struct {
	now     func() time.Time
	timeout time.Duration // of one read
	spacing time.Duration // how long after one read of a key began the next one may begin

	life context.Context // ended by close
	end  context.CancelFunc
	all  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	routes map[K]*queue[T]
}

// route is what is under way for one key: a read, and the one after it, if anybody
// waits for that.
type queue[T any] struct{ current, next *Call[T] }

// flight is one read.
type Call[T any] struct {
	began time.Time  // zero until it begins
	task  *task.Task // that the read belongs to; nil: that of its context
	read  func(ctx context.Context, began time.Time) (T, error)
	done  chan struct{} // closed when value and err are there
	value T
	err   error
}

var (
	errClosed   = errors.New("the store is being closed")
	ErrNotBegun = errors.New("no reading was begun")
)

func New[K comparable, T any](now func() time.Time, timeout, spacing time.Duration) *Group[K, T] {
	f := &Group[K, T]{now: now, timeout: timeout, spacing: spacing, routes: map[K]*queue[T]{}}
	f.life, f.end = context.WithCancel(context.Background())
	return f
}

// do returns what a read of the key brings that began at since or later; zero: any.
// It waits as long as ctx allows.
func (f *Group[K, T]) Do(
	ctx context.Context, key K, since time.Time, read func(context.Context, time.Time) (T, error),
) (T, error) {
	return f.DoWhen(ctx, key, since, Always, read)
}

// doIf is do, but for a read that would have to begin: may is asked whether it does, and
// no other begins meanwhile. If it does not, the failure is errNotBegun.
func (f *Group[K, T]) DoWhen(
	ctx context.Context, key K, since time.Time, may func() bool, read func(context.Context, time.Time) (T, error),
) (T, error) {
	ctx = task.Ensure(ctx)
	for again := false; ; again = true {
		flight, err := f.Join(ctx, key, since, may, read)
		if err != nil {
			var none T
			return none, err
		}
		value, err := flight.Wait(ctx)
		if again || !flight.shedWithAnother(task.Of(ctx), err) {
			return value, err
		}
	}
}

// shedWithAnother tells whether the read failed because its task was shed, which is not that
// of the caller: in front of another store, or for another credential, more calls may wait.
func (f *Call[T]) shedWithAnother(callers *task.Task, err error) bool {
	return errors.Is(err, credential.ErrOverloaded) && f.task != callers && f.task.Shed() && !callers.Shed()
}

func Always() bool { return true }

// wait returns what the read brings, as long as ctx allows.
func (f *Call[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// join returns the flight that brings what doIf promises, and begins it if need be, for the
// task of ctx. A flight that began in the background goes on as one that is waited for, if
// that is so now.
func (f *Group[K, T]) Join(
	ctx context.Context, key K, since time.Time, may func() bool, read func(context.Context, time.Time) (T, error),
) (*Call[T], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, &credential.StoreError{Kind: credential.Unavailable, Err: errClosed}
	}
	r, ok := f.routes[key]
	switch {
	case ok && !r.current.began.Before(since):
		r.current.task.Join(ctx)
		return r.current, nil
	case ok && r.next != nil:
		r.next.task.Join(ctx)
		return r.next, nil
	case !may():
		return nil, ErrNotBegun
	case !ok:
		r = &queue[T]{current: f.begin(f.flightOf(ctx, read))}
		f.routes[key] = r
		f.all.Go(func() { f.run(key, r) })
		return r.current, nil
	}
	r.next = f.flightOf(ctx, read)
	return r.next, nil
}

// flying tells whether a read of the key is under way.
func (f *Group[K, T]) Running(key K) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.routes[key]
	return ok
}

// flightOf returns a read for the task of ctx.
func (f *Group[K, T]) flightOf(ctx context.Context, read func(context.Context, time.Time) (T, error)) *Call[T] {
	flight := NewCall(read)
	flight.task = task.Of(ctx)
	return flight
}

func (f *Group[K, T]) begin(flight *Call[T]) *Call[T] {
	flight.began = f.now()
	return flight
}

// fly makes the reads of a key until nobody waits for another, each as long after the
// one before as they are to be apart: until then the route stays, so that the next one
// is waited for by all who want it.
func (f *Group[K, T]) run(key K, r *queue[T]) {
	for flight := r.current; flight != nil; {
		ctx, cancel := context.WithTimeout(f.life, f.timeout)
		flight.land(task.With(ctx, flight.task))
		cancel()
		landed := flight
		if f.spacing > 0 {
			close(landed.done)
			f.Pause(f.spacing - f.now().Sub(landed.began))
		}
		f.mu.Lock()
		flight = r.next
		if flight == nil {
			delete(f.routes, key)
		} else {
			r.current, r.next = f.begin(flight), nil
		}
		f.mu.Unlock()
		if f.spacing == 0 {
			close(landed.done) // who asks again now finds no route
		}
	}
}

// pause waits, or until all is being closed.
func (f *Group[K, T]) Pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.life.Done():
	}
}

// newFlight returns a read that has not begun.
func NewCall[T any](read func(ctx context.Context, began time.Time) (T, error)) *Call[T] {
	return &Call[T]{read: read, done: make(chan struct{})}
}

// run makes the read, and lets go all who wait for it.
func (f *Call[T]) Run(ctx context.Context) {
	defer close(f.done)
	f.land(ctx)
}

// goOn runs a function that close waits for.
func (f *Group[K, T]) Go(run func()) { f.all.Go(run) }

// land makes the read. A panic in it, which nobody above could recover from, is its
// failure.
func (f *Call[T]) land(ctx context.Context) {
	defer func() {
		if recover() != nil {
			f.err = &credential.StoreError{Kind: credential.Internal, Err: credential.ErrPanic}
		}
	}()
	f.value, f.err = f.read(ctx, f.began)
}

// close ends what is under way and waits for it.
func (f *Group[K, T]) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.end()
	f.all.Wait()
}

// settle waits until the read of a key that is under way, if any, has ended.
func (f *Group[K, T]) Settle(ctx context.Context, key K) {
	f.mu.Lock()
	r, ok := f.routes[key]
	var current *Call[T]
	if ok {
		current = r.current
	}
	f.mu.Unlock()
	if ok {
		_, _ = current.Wait(ctx)
	}
}

// context returns a context that close ends.
func (f *Group[K, T]) Context() context.Context { return f.life }
