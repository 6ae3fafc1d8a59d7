package flight

import (
	"context"
	"errors"
	"time"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/task"
)

// Call is one read, which any number of callers may wait for.
type Call[T any] struct {
	began  time.Time       // zero until the read begins
	task   *task.Task      // the task that the read belongs to; nil: the task of the context
	caller context.Context // of the caller that began it, for its values
	read   func(ctx context.Context, began time.Time) (T, error)
	done   chan struct{} // closed when value and err are set
	value  T
	err    error
}

// NewCall returns a call that has not begun. Use [Call.Run] to begin it.
func NewCall[T any](read func(ctx context.Context, began time.Time) (T, error)) *Call[T] {
	return &Call[T]{read: read, done: make(chan struct{})}
}

// Run makes the read and then wakes all callers of [Call.Wait]. Call it only once.
func (c *Call[T]) Run(ctx context.Context) {
	defer close(c.done)
	c.run(ctx)
}

// run makes the read, but wakes nobody. A panic in the read becomes an error of kind
// Internal, because no caller could recover from it in this goroutine.
func (c *Call[T]) run(ctx context.Context) {
	defer func() {
		if recover() != nil {
			c.err = &credential.StoreError{Kind: credential.Internal, Err: credential.ErrPanic}
		}
	}()
	c.value, c.err = c.read(ctx, c.began)
}

// Wait waits for the read and returns its result. If ctx ends first, it returns the error
// of ctx, and the read goes on.
func (c *Call[T]) Wait(ctx context.Context) (T, error) {
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// shedWithAnother tells whether the read failed because a task was shed that is not the
// caller's. The caller may still succeed: fewer calls may wait in front of its own stores.
func (c *Call[T]) shedWithAnother(callers *task.Task, err error) bool {
	return errors.Is(err, credential.ErrOverloaded) && c.task != callers && c.task.Shed() && !callers.Shed()
}
