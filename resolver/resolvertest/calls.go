package resolvertest

import (
	"context"
	"slices"
	"sync"
	"testing"
)

// Any stands, in [Calls.Before], for each name that has no hook of its own.
const Any = ""

// Hook runs before a store answers. An error of it is the store's answer; it may
// panic, and it may wait, for ctx at least.
type Hook func(ctx context.Context) error

// Fail is the hook of a store that fails with err, whatever it holds.
func Fail(err error) Hook { return func(context.Context) error { return err } }

// Panic is the hook of a store that panics with value.
func Panic(value any) Hook { return func(context.Context) error { panic(value) } }

// Block is the hook of a store that never answers: it waits for its context to
// end, and returns that context's error.
func Block() Hook {
	return func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
}

// Calls records the calls to one store and interferes with them.
type Calls struct {
	mu            sync.Mutex
	asked         []string
	running, peak int
	hooks         map[string]Hook
	gate          chan struct{}
}

func newCalls(t testing.TB, store string) *Calls {
	c := &Calls{hooks: map[string]Hook{}}
	t.Cleanup(func() {
		if n := c.Running(); n > 0 {
			t.Errorf("%d calls to the %s outlive the test", n, store)
		}
	})
	return c
}

// Asked returns the names that the store was asked for, each as often as it was,
// in the order of the calls.
func (c *Calls) Asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

// Running returns how many calls have not been answered yet.
func (c *Calls) Running() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// Peak returns how many calls have been under way at a time, at most.
func (c *Calls) Peak() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peak
}

// Before sets the hook of one name, or of [Any]; nil takes it away.
func (c *Calls) Before(name string, hook Hook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks[name] = hook
}

// Hold makes calls wait from now on. A value sent lets one of them through, and
// closing the channel all of them, those to come included.
func (c *Calls) Hold() chan<- struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = make(chan struct{})
	return c.gate
}

// begin counts a call; what it returns ends it.
func (c *Calls) begin(name string) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, name)
	c.running++
	c.peak = max(c.peak, c.running)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running--
	}
}

// interfere waits while calls are held, and runs the hook of the name.
func (c *Calls) interfere(ctx context.Context, name string) error {
	c.mu.Lock()
	gate, hook := c.gate, c.hooks[name]
	if hook == nil {
		hook = c.hooks[Any]
	}
	c.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if hook == nil {
		return nil
	}
	return hook(ctx)
}
