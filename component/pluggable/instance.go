package pluggable

import (
	"io"
	"sync"
)

// instanceKey tells instances of one kind apart: by daprd, and by the Component's
// name in it (DESIGN.md, section 1).
type instanceKey struct {
	peer process
	name string
}

// instance is one Component of one daprd.
//
// Its store is closed when its last connection ends. What it was initialised with is
// kept as long as the peer may live: gRPC closes a connection that was idle for
// half an hour, and daprd then calls Get on a new one without another Init.
type instance[T io.Closer] struct {
	key instanceKey

	initing sync.Mutex // one Init of this instance at a time

	mu          sync.Mutex
	initialised bool                     // whether an Init has ever succeeded
	properties  map[string]string        // what the last successful Init was given; may hold secrets
	users       map[*connection]struct{} // the connections that have used the instance, and live
	idle        bool                     // whether the last check found a store without a connection
	held        *held[T]                 // nil while no connection uses the instance
}

// put gives the instance a new store and retires the old one. c is the connection
// that asked for it; if it has ended meanwhile and no other uses the instance, the
// new one is retired too. Without a connection the store waits for one.
func (in *instance[T]) put(fresh *held[T], c *connection, properties map[string]string) {
	in.mu.Lock()
	old := in.held
	in.held, in.properties, in.initialised, in.idle = fresh, properties, true, false
	in.use(c)
	unused := c != nil && len(in.users) == 0
	if unused {
		in.held = nil
	}
	in.mu.Unlock()
	old.retire()
	if unused {
		fresh.retire()
	}
}

// take returns the store for one call by c; nil if there is none.
func (in *instance[T]) take(c *connection) *held[T] {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.held == nil || !in.held.acquire() {
		return nil
	}
	in.idle = false
	in.use(c)
	return in.held
}

// use counts c among the instance's connections, unless it has ended.
func (in *instance[T]) use(c *connection) {
	if c == nil || c.ended.Load() {
		return
	}
	if in.users == nil {
		in.users = map[*connection]struct{}{}
	}
	in.users[c] = struct{}{}
}

// leave takes c, which has ended, from the instance's connections, and closes the
// store if it was the last.
func (in *instance[T]) leave(c *connection) bool {
	in.mu.Lock()
	_, used := in.users[c]
	delete(in.users, c)
	last := used && len(in.users) == 0
	in.mu.Unlock()
	return last && in.retire()
}

// used tells whether a live connection uses the instance.
func (in *instance[T]) used() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.users) > 0
}

// closeIdle closes a store that no connection has used since the last check.
func (in *instance[T]) closeIdle() bool {
	in.mu.Lock()
	unused := in.held != nil && len(in.users) == 0
	was := in.idle
	in.idle = unused
	in.mu.Unlock()
	return unused && was && in.retire()
}

// retire closes the store when its last call has ended, and tells whether there
// was one.
func (in *instance[T]) retire() bool {
	in.mu.Lock()
	old := in.held
	in.held = nil
	in.mu.Unlock()
	old.retire()
	return old != nil
}

// remembered returns what the instance was initialised with.
func (in *instance[T]) remembered() (properties map[string]string, initialised bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.properties, in.initialised
}
