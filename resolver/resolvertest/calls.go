package resolvertest

import (
	"context"
	"slices"
	"sync"
	"testing"
)

// Any stands, in [Calls.Before], for each name without a hook of its own.
const Any = ""

// Hook runs before a store answers. If it returns an error, the store returns that. A hook
// may panic, and may wait until ctx ends.
type Hook func(ctx context.Context) error

// Fail returns a hook that fails with err.
func Fail(err error) Hook { return func(context.Context) error { return err } }

// Panic returns a hook that panics with value.
func Panic(value any) Hook { return func(context.Context) error { panic(value) } }

// Block returns a hook that waits until ctx ends, and returns the error of ctx.
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
			t.Errorf("%d calls to the %s are still running at the end of the test", n, store)
		}
	})
	return c
}

// Asked returns the name of each call, in the order of the calls.
func (c *Calls) Asked() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.asked)
}

// Running returns the number of calls in progress.
func (c *Calls) Running() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
}

// Peak returns the maximum number of parallel calls so far.
func (c *Calls) Peak() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peak
}

// Before sets the hook of a name, or of [Any]. Nil removes it.
func (c *Calls) Before(name string, hook Hook) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hooks[name] = hook
}

// Hold makes all further calls wait. Each value sent to the channel lets one call continue.
// Closing it lets all calls continue, also later ones.
func (c *Calls) Hold() chan<- struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = make(chan struct{})
	return c.gate
}

// begin records a call, and returns a function that ends it.
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

// interfere waits while calls are held, and then runs the hook of the name.
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
