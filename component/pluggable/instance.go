package pluggable

import (
	"context"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// instanceKey identifies an instance among those of one kind, by its daprd and by the
// Component's name in that daprd (DESIGN.md, section 1).
type instanceKey struct {
	peer process
	name string
}

// instance is one Component of one daprd.
//
// Its store closes when its last connection ends. Its properties are kept as long as the
// peer may be alive: gRPC closes a connection that was idle for half an hour, and daprd then
// calls Get on a new connection without another Init.
type instance[T io.Closer] struct {
	key instanceKey

	inits   int                 // Inits under way; guarded by instances.mu
	initing *semaphore.Weighted // held by the running Init: one at a time

	mu          sync.Mutex
	initialised bool                     // whether an Init has ever succeeded
	properties  map[string]string        // of the last successful Init; may hold secrets
	users       map[*connection]struct{} // the open connections that have used the instance
	pidfd       pidfd                    // of the peer; noPidfd unless it identifies the peer and the peer has connected
	dropped     bool                     // whether drop was called: nobody comes back to the instance
	idle        bool                     // whether the last check found a store without a connection
	open        *refCounted[T]           // the open store; nil while no connection uses the instance
}

func newInstance[T io.Closer](key instanceKey) *instance[T] {
	return &instance[T]{key: key, initing: semaphore.NewWeighted(1), pidfd: noPidfd}
}

// initPatience is how long a call waits for a running Init of its instance. daprd sets no
// limit, and a store may hang.
const initPatience = 10 * time.Second

// lock waits until no other Init of the instance runs, for at most initPatience. Its error is
// a gRPC status.
func (in *instance[T]) lock(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, initPatience)
	defer cancel()
	if in.initing.Acquire(patient, 1) == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return status.FromContextError(err).Err()
	}
	return status.Error(codes.Unavailable, "an earlier Init of this component is still running: its store hangs")
}

func (in *instance[T]) unlock() { in.initing.Release(1) }

// put gives the instance a new store and retires the old one. c is the connection that asked
// for the store. If c has ended meanwhile and no other connection uses the instance, put
// retires the new store too. If c is nil, the store stays open and waits for a connection. A
// store for an instance that was dropped meanwhile is retired in any case.
func (in *instance[T]) put(fresh *refCounted[T], c *connection, properties map[string]string) {
	in.mu.Lock()
	old := in.open
	in.open, in.properties, in.initialised, in.idle = fresh, properties, true, false
	in.use(c)
	unused := in.dropped || c != nil && len(in.users) == 0
	if unused {
		in.open = nil
	}
	in.mu.Unlock()
	old.retire()
	if unused {
		fresh.retire()
	}
}

// take returns the store for one call on c, or nil if no store is open.
func (in *instance[T]) take(c *connection) *refCounted[T] {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.open == nil {
		return nil
	}
	in.open.acquire()
	in.idle = false
	in.use(c)
	return in.open
}

// use adds c to the instance's connections, unless c is nil or has ended. The caller holds
// the lock.
func (in *instance[T]) use(c *connection) {
	if c == nil || c.ended.Load() {
		return
	}
	if in.users == nil {
		in.users = map[*connection]struct{}{}
	}
	in.users[c] = struct{}{}
	if in.pidfd == noPidfd && !in.dropped {
		in.pidfd = c.pidfd.dup()
	}
}

// leave removes c, which has ended, from the instance's connections. If c was the last one,
// it retires the store. It reports whether it retired one.
func (in *instance[T]) leave(c *connection) bool {
	return in.retireIf(func() bool {
		_, used := in.users[c]
		delete(in.users, c)
		return used && len(in.users) == 0
	})
}

// gone reports whether the peer is known to have ended.
func (in *instance[T]) gone() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.users) == 0 && in.key.peer.ended(in.pidfd)
}

// absent reports whether the peer has not connected since a restart, and is identified by
// its pidfd. The end of such a peer cannot be seen before it connects.
func (in *instance[T]) absent() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.users) == 0 && in.key.peer.pidfd != 0 && in.pidfd == noPidfd
}

// drop closes the store when its last call has ended, and releases the peer's pidfd.
func (in *instance[T]) drop() {
	in.retire()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.dropped = true
	in.pidfd.close()
	in.pidfd = noPidfd
}

// closeIdle retires a store that had no connection at this check and at the last one. It
// reports whether it retired one.
func (in *instance[T]) closeIdle() bool {
	return in.retireIf(func() bool {
		unused := in.open != nil && len(in.users) == 0
		was := in.idle
		in.idle = unused
		return unused && was
	})
}

// retire closes the store when its last call has ended.
func (in *instance[T]) retire() { in.retireIf(func() bool { return true }) }

// retireIf calls question under the instance's lock. If the answer is true, it closes the
// store when its last call has ended. It reports whether it retired a store.
func (in *instance[T]) retireIf(question func() bool) bool {
	in.mu.Lock()
	var old *refCounted[T]
	if question() {
		old, in.open = in.open, nil
	}
	in.mu.Unlock()
	old.retire()
	return old != nil
}

// remembered returns the properties of the last successful Init, and whether there was one.
func (in *instance[T]) remembered() (properties map[string]string, initialised bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.properties, in.initialised
}
