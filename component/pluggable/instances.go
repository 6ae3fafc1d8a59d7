package pluggable

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/kit/logger"
)

// instances holds the instances of one kind, of all daprds.
type instances[T io.Closer] struct {
	kind  string // daprd's category: "secretstores" or "bindings"
	init  func(ctx context.Context, name string, properties map[string]string) (T, error)
	log   logger.Logger
	state *stateFolder // nil: nothing outlives the process

	answers *answers // nil: no answers outlive the process

	mu     sync.RWMutex
	byKey  map[instanceKey]*instance[T]
	open   sync.WaitGroup // counts the open stores; grows only under mu, and not once closed is set
	closed bool           // set by close: no store stays open
}

func newInstances[T io.Closer](
	kind string, log logger.Logger,
	init func(ctx context.Context, name string, properties map[string]string) (T, error),
) *instances[T] {
	return &instances[T]{kind: kind, init: init, log: log, byKey: map[instanceKey]*instance[T]{}}
}

// notInitialised returns the error for a call before any Init: Unavailable, with the remedy.
// daprd does not repeat Init when this process restarts, nor when daprd connects again.
func (s *instances[T]) notInitialised(peer process) error {
	if !peer.lasting() {
		return status.Error(codes.Unavailable, "this kernel does not identify a daprd in another PID namespace, so the component identifies it "+
			"by its connection, and this connection is new: restart daprd; to avoid this in the future, use Linux 6.9 or later, or start "+
			"the component with --single-daprd if only one daprd uses its socket")
	}
	text := "this component was restarted, and daprd has not initialised it again: restart daprd"
	if s.state == nil {
		text += "; to avoid this in the future, set the component's --state-dir to a folder in memory (tmpfs)"
	}
	return status.Error(codes.Unavailable, text)
}

// initialiseFor initialises the instance that a call to Init is for. Its error is a gRPC
// status.
func (s *instances[T]) initialiseFor(ctx context.Context, properties map[string]string) error {
	c, name, err := caller(ctx)
	if err != nil {
		return err
	}
	if err := s.initialise(ctx, c, name, properties); err != nil {
		return asStatus(err, codes.InvalidArgument)
	}
	return nil
}

// acquireFor returns the store of the instance that a call is for. The caller releases the
// store. The error is a gRPC status.
func (s *instances[T]) acquireFor(ctx context.Context) (*refCounted[T], error) {
	c, name, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.acquire(ctx, c.peer, c, name)
	if err != nil {
		return nil, unserved{err}
	}
	return r, nil
}

// initialise makes a new store from the properties and replaces the instance's old store. The
// old store closes when its last call has ended. If the new store cannot be initialised, the
// old one stays.
func (s *instances[T]) initialise(ctx context.Context, c *connection, name string, properties map[string]string) error {
	if size := sizeOf(name, properties); size > maxInit {
		return status.Errorf(codes.ResourceExhausted, "the Component's metadata has %d bytes, but the limit is %d: "+
			"name files instead of including their contents", size, maxInit)
	}
	in, err := s.begin(instanceKey{c.peer, name})
	if err != nil {
		return err
	}
	defer s.end(in)
	if err := in.lock(ctx); err != nil {
		return err
	}
	defer in.unlock()
	defer s.sweepAnswers() // it may have had other answers before
	ctx, done := s.withAnswersOf(ctx, in.key, properties)
	defer done()
	fresh, err := s.openStore(ctx, in.key, properties)
	if err != nil {
		return err
	}
	// Save the properties before answering daprd. If this process is killed in between,
	// nothing is lost.
	s.remember(in.key, properties)
	s.put(in, fresh, c, properties)
	s.log.Infof("%s: instance %q of %s initialised", s.kind, name, c.peer)
	return nil
}

// sizeOf returns the size of an Init in bytes: the Component's name and its properties.
func sizeOf(name string, properties map[string]string) int {
	size := len(name)
	for name, value := range properties {
		size += len(name) + len(value)
	}
	return size
}

// openStore makes a store and initialises it. It turns a panic into an error with the gRPC
// code Internal. The panic's value may hold a secret, so only its type is logged.
func (s *instances[T]) openStore(ctx context.Context, key instanceKey, properties map[string]string) (r *refCounted[T], err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Errorf("%s: an Init panicked (%T)", s.kind, cause)
			err = status.Error(codes.Internal, "internal error")
		}
	}()
	store, err := s.init(withInstance(ctx, s.kind, key), key.name, maps.Clone(properties))
	if err != nil {
		return nil, err
	}
	return &refCounted[T]{store: store, log: s.log, closed: s.countOpen()}, nil
}

// countOpen counts a store that has opened, so that awaitClosed waits for it. The caller calls
// closed when the store has closed. A store that opens after close is not counted.
func (s *instances[T]) countOpen() (closed func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return func() {}
	}
	s.open.Add(1)
	return s.open.Done
}

// acquire returns the store of an instance for one call on c. The caller releases the store.
// If c is nil, the call was made to another instance, and its connection does not keep this
// store open. The error is a gRPC status.
func (s *instances[T]) acquire(ctx context.Context, peer process, c *connection, name string) (*refCounted[T], error) {
	if c != nil && c.ended.Load() {
		return nil, status.Error(codes.Canceled, "the connection has ended") // nobody would receive the answer
	}
	s.mu.RLock()
	in := s.byKey[instanceKey{peer, name}]
	s.mu.RUnlock()
	if in == nil {
		return nil, s.notInitialised(peer)
	}
	if r := in.take(c); r != nil {
		return r, nil
	}
	return s.revive(ctx, in, c)
}

// put gives an instance its store. It retires a store that opened after close.
func (s *instances[T]) put(in *instance[T], fresh *refCounted[T], c *connection, properties map[string]string) {
	in.put(fresh, c, properties)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		in.retire()
	}
}

// end is called after begin, when the Init has ended. It removes the instance if none of its
// Inits ever succeeded and no other is running.
func (s *instances[T]) end(in *instance[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.inits--
	if _, initialised := in.remembered(); !initialised && in.inits == 0 {
		delete(s.byKey, in.key)
	}
}

// names returns the names of a daprd's Components, sorted.
func (s *instances[T]) names(peer process) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for key := range s.byKey {
		if key.peer == peer {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	return names
}

// connectionEnded closes the stores that only c used.
func (s *instances[T]) connectionEnded(c *connection) {
	for _, in := range s.all() {
		if in.leave(c) {
			s.log.Infof("%s: instance %q of %s has no connection left; its stores are closed",
				s.kind, in.key.name, in.key.peer)
		}
	}
}

func (s *instances[T]) all() []*instance[T] {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.byKey))
}

// dropGone removes the instances of processes that have ended, with their records and
// answers.
func (s *instances[T]) dropGone() {
	gone := s.drop(func(in *instance[T]) bool { return in.inits == 0 && in.gone() })
	for _, in := range gone {
		s.disremember(in.key)
		s.log.Infof("%s: %s has ended; its instance %q is removed", s.kind, in.key.peer, in.key.name)
	}
	if len(gone) > 0 {
		s.sweepAnswers()
	}
}

// closeIdle closes the stores that had no connection at this check and at the last one.
func (s *instances[T]) closeIdle() {
	for _, in := range s.all() {
		in.closeIdle()
	}
}

// close closes every store when its last call has ended. It does not wait for that.
func (s *instances[T]) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.drop(func(*instance[T]) bool { return true })
}

// awaitClosed waits until all stores that were open at close are closed, those with a running
// call included. It does not wait for a store that an Init opened later.
func (s *instances[T]) awaitClosed() { s.open.Wait() }

// drop removes the instances for which which returns true, closes their stores, and returns
// the instances.
func (s *instances[T]) drop(which func(*instance[T]) bool) []*instance[T] {
	var dropped []*instance[T]
	s.mu.Lock()
	for key, in := range s.byKey {
		if which(in) {
			delete(s.byKey, key)
			dropped = append(dropped, in)
		}
	}
	s.mu.Unlock()
	for _, in := range dropped {
		in.drop()
	}
	return dropped
}
