package resolver

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flights has at most one read of a key under way. Who asks for the key meanwhile
// gets what that read brings, unless it began before what he asks for may have been
// read: then he waits for the next one, with all who ask like him.
//
// A read goes on when the one who began it has left, until its own time is up.
type flights[K comparable, T any] struct {
	now     func() time.Time
	timeout time.Duration // of one read
	spacing time.Duration // how long after one read of a key began the next one may begin

	life context.Context // ended by close
	end  context.CancelFunc
	all  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	routes map[K]*route[T]
}

// route is what is under way for one key: a read, and the one after it, if anybody
// waits for that.
type route[T any] struct{ current, next *flight[T] }

// flight is one read.
type flight[T any] struct {
	began time.Time // zero until it begins
	task  *Task     // that the read belongs to; nil: that of its context
	read  func(ctx context.Context, began time.Time) (T, error)
	done  chan struct{} // closed when value and err are there
	value T
	err   error
}

var (
	errClosed   = errors.New("the store is being closed")
	errNotBegun = errors.New("no reading was begun")
)

func newFlights[K comparable, T any](now func() time.Time, timeout, spacing time.Duration) *flights[K, T] {
	f := &flights[K, T]{now: now, timeout: timeout, spacing: spacing, routes: map[K]*route[T]{}}
	f.life, f.end = context.WithCancel(context.Background())
	return f
}

// do returns what a read of the key brings that began at since or later; zero: any.
// It waits as long as ctx allows.
func (f *flights[K, T]) do(
	ctx context.Context, key K, since time.Time, read func(context.Context, time.Time) (T, error),
) (T, error) {
	return f.doIf(ctx, key, since, always, read)
}

// doIf is do, but for a read that would have to begin: may is asked whether it does, and
// no other begins meanwhile. If it does not, the failure is errNotBegun.
func (f *flights[K, T]) doIf(
	ctx context.Context, key K, since time.Time, may func() bool, read func(context.Context, time.Time) (T, error),
) (T, error) {
	ctx = InTask(ctx)
	for again := false; ; again = true {
		flight, err := f.join(ctx, key, since, may, read)
		if err != nil {
			var none T
			return none, err
		}
		value, err := flight.wait(ctx)
		if again || !flight.shedWithAnother(TaskOf(ctx), err) {
			return value, err
		}
	}
}

// shedWithAnother tells whether the read failed because its task was shed, which is not that
// of the caller: in front of another store, or for another credential, more calls may wait.
func (f *flight[T]) shedWithAnother(callers *Task, err error) bool {
	return errors.Is(err, ErrOverloaded) && f.task != callers && f.task.Shed() && !callers.Shed()
}

func always() bool { return true }

// wait returns what the read brings, as long as ctx allows.
func (f *flight[T]) wait(ctx context.Context) (T, error) {
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
func (f *flights[K, T]) join(
	ctx context.Context, key K, since time.Time, may func() bool, read func(context.Context, time.Time) (T, error),
) (*flight[T], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, &StoreError{Kind: Unavailable, Err: errClosed}
	}
	r, ok := f.routes[key]
	switch {
	case ok && !r.current.began.Before(since):
		r.current.task.join(ctx)
		return r.current, nil
	case ok && r.next != nil:
		r.next.task.join(ctx)
		return r.next, nil
	case !may():
		return nil, errNotBegun
	case !ok:
		r = &route[T]{current: f.begin(&flight[T]{task: TaskOf(ctx), read: read, done: make(chan struct{})})}
		f.routes[key] = r
		f.all.Go(func() { f.fly(key, r) })
		return r.current, nil
	}
	r.next = &flight[T]{task: TaskOf(ctx), read: read, done: make(chan struct{})}
	return r.next, nil
}

// flying tells whether a read of the key is under way.
func (f *flights[K, T]) flying(key K) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.routes[key]
	return ok
}

func (f *flights[K, T]) begin(flight *flight[T]) *flight[T] {
	flight.began = f.now()
	return flight
}

// fly makes the reads of a key until nobody waits for another, each as long after the
// one before as they are to be apart: until then the route stays, so that the next one
// is waited for by all who want it.
func (f *flights[K, T]) fly(key K, r *route[T]) {
	for flight := r.current; flight != nil; {
		ctx, cancel := context.WithTimeout(f.life, f.timeout)
		flight.land(withTask(ctx, flight.task))
		cancel()
		landed := flight
		if f.spacing > 0 {
			close(landed.done)
			f.pause(f.spacing - f.now().Sub(landed.began))
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
func (f *flights[K, T]) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.life.Done():
	}
}

// land makes the read. A panic in it, which nobody above could recover from, is its
// failure.
func (f *flight[T]) land(ctx context.Context) {
	defer func() {
		if recover() != nil {
			f.err = &StoreError{Kind: Internal, Err: errPanic}
		}
	}()
	f.value, f.err = f.read(ctx, f.began)
}

// close ends what is under way and waits for it.
func (f *flights[K, T]) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.end()
	f.all.Wait()
}
