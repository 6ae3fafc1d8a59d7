// Package task tells the queue in front of a store which calls belong to one resolution, so
// that an overloaded queue sheds whole resolutions and background work first.
//
// It knows neither stores nor credentials, and it decides nothing.
package task

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Task is one resolution, as the queues in front of the stores see it: either all its calls
// succeed, or the task fails. A task travels in the context of its calls. The zero value is
// a task in the foreground. A Task is safe for concurrent use.
type Task struct {
	background atomic.Bool
	shed       atomic.Bool

	mu       sync.Mutex
	admitted []any  // the queues that have admitted a call of the task
	first    [2]any // the first elements of admitted, to save an allocation
}

// Background tells whether no request waits for the task, as in a background refresh.
func (t *Task) Background() bool { return t.background.Load() }

// Shed tells whether a queue has refused a call of the task. Then the task fails, whatever
// its other calls return.
func (t *Task) Shed() bool { return t.shed.Load() }

// MarkShed records that a queue has refused a call of the task.
func (t *Task) MarkShed() { t.shed.Store(true) }

// Admitted tells whether the queue has admitted a call of the task.
func (t *Task) Admitted(queue any) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.admitted, queue)
}

// MarkAdmitted records that the queue has admitted a call of the task.
func (t *Task) MarkAdmitted(queue any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.admitted == nil {
		t.admitted = t.first[:0]
	}
	if !slices.Contains(t.admitted, queue) {
		t.admitted = append(t.admitted, queue)
	}
}

// Join records that the task of ctx waits for t too. It moves t to the foreground, unless
// the task of ctx is itself in the background.
func (t *Task) Join(ctx context.Context) {
	if other := Of(ctx); other == nil || !other.Background() {
		t.background.Store(false)
	}
}

type taskKey struct{}

// Of returns the task of a context; nil if it has none.
func Of(ctx context.Context) *Task {
	t, _ := ctx.Value(taskKey{}).(*Task)
	return t
}

// With returns a context with the task t.
func With(ctx context.Context, t *Task) context.Context {
	return context.WithValue(ctx, taskKey{}, t)
}

// Ensure returns ctx if it has a task, else a context with a new task.
func Ensure(ctx context.Context) context.Context {
	if Of(ctx) != nil {
		return ctx
	}
	return With(ctx, &Task{})
}

// InBackground returns a context with a new task in the background.
func InBackground(ctx context.Context) context.Context {
	t := &Task{}
	t.background.Store(true)
	return With(ctx, t)
}
