package task

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Task is one resolution, as the queue in front of a store sees it: all calls of a task
// succeed, or the task fails. A task travels in the context of its calls. The zero value is
// a task that somebody waits for. A Task is safe for concurrent use.
type Task struct {
	background atomic.Bool
	shed       atomic.Bool

	mu       sync.Mutex
	admitted []any  // the queues that have admitted a call of the task
	first    [2]any // where they are kept, mostly
}

// Background tells whether nobody waits for the task: it is a background refresh.
func (t *Task) Background() bool { return t.background.Load() }

// Shed tells whether a queue has refused a call of the task. Then the task fails, whatever
// its other calls bring.
func (t *Task) Shed() bool { return t.shed.Load() }

// MarkShed records that a queue has refused a call of the task.
func (t *Task) MarkShed() { t.shed.Store(true) }

// Admitted tells whether a queue has admitted a call of the task.
func (t *Task) Admitted(queue any) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.admitted, queue)
}

// MarkAdmitted records that a queue has admitted a call of the task.
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

// join records that the task of ctx, if there is one, waits for this one as well.
func (t *Task) Join(ctx context.Context) {
	if other := Of(ctx); other == nil || !other.Background() {
		t.background.Store(false)
	}
}

type taskKey struct{}

// TaskOf returns the task that a context belongs to; nil if it belongs to none.
func Of(ctx context.Context) *Task {
	t, _ := ctx.Value(taskKey{}).(*Task)
	return t
}

// withTask returns a context that belongs to a task.
func With(ctx context.Context, t *Task) context.Context {
	return context.WithValue(ctx, taskKey{}, t)
}

// InTask returns ctx if it belongs to a task, else one that belongs to a new task.
func Ensure(ctx context.Context) context.Context {
	if Of(ctx) != nil {
		return ctx
	}
	return With(ctx, &Task{})
}

// InBackground returns a context that belongs to a new task that nobody waits for.
func InBackground(ctx context.Context) context.Context {
	t := &Task{}
	t.background.Store(true)
	return With(ctx, t)
}
