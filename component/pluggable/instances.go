package pluggable

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"
)

// instanceKey tells instances apart: by daprd, and by the Component's name in it
// (DESIGN.md, section 1).
type instanceKey struct {
	peer process
	name string
}

// instance is one Component of one daprd.
//
// Its store is closed when its last connection ends. What it was initialised with is
// kept as long as the peer may live: gRPC closes a connection that was idle for
// half an hour, and daprd then calls Get on a new one without another Init.
type instance struct {
	key instanceKey

	initing sync.Mutex // one Init of this instance at a time

	mu          sync.Mutex
	initialised bool                     // whether an Init has ever succeeded
	properties  map[string]string        // what the last successful Init was given; may hold secrets
	users       map[*connection]struct{} // the connections that have used the instance, and live
	held        *held                    // nil while no connection uses the instance
}

// instances are those of all daprds that are connected.
type instances struct {
	newStore func() secretstores.SecretStore
	log      logger.Logger

	mu    sync.RWMutex
	byKey map[instanceKey]*instance
}

func newInstances(newStore func() secretstores.SecretStore, log logger.Logger) *instances {
	return &instances{newStore: newStore, log: log, byKey: map[instanceKey]*instance{}}
}

// errNotInitialised answers a call before any Init: daprd does not repeat Init
// when this process was started again.
var errNotInitialised = status.Error(codes.Unavailable,
	"this component was restarted, and daprd has not initialised it since: restart daprd")

// initialise makes a new store of the properties and puts it in the place of the
// instance's old one, which closes when its last call has ended. If the new one
// cannot be initialised, the old one stays.
func (s *instances) initialise(ctx context.Context, c *connection, name string, properties map[string]string) error {
	in := s.getOrAdd(instanceKey{c.peer, name})
	in.initing.Lock()
	defer in.initing.Unlock()
	defer s.forgetUnused(in) // also after a panic
	fresh, err := s.open(ctx, name, properties)
	if err != nil {
		return err
	}
	in.put(fresh, c, maps.Clone(properties))
	s.log.Infof("instance %q of pid %d initialised", name, c.peer.pid)
	return nil
}

func (s *instances) open(ctx context.Context, name string, properties map[string]string) (*held, error) {
	store := s.newStore()
	err := store.Init(ctx, secretstores.Metadata{
		Base: metadata.Base{Name: name, Properties: maps.Clone(properties)},
	})
	if err != nil {
		_ = store.Close()
		return nil, err
	}
	return &held{store: store, log: s.log}, nil
}

// acquire returns the store of an instance for one call; the caller releases it.
func (s *instances) acquire(ctx context.Context, c *connection, name string) (*held, error) {
	s.mu.RLock()
	in := s.byKey[instanceKey{c.peer, name}]
	s.mu.RUnlock()
	if in == nil {
		return nil, errNotInitialised
	}
	if h := in.take(c); h != nil {
		return h, nil
	}
	return s.revive(ctx, in, c)
}

// revive opens an instance's store again for a daprd that has come back on a new
// connection.
func (s *instances) revive(ctx context.Context, in *instance, c *connection) (*held, error) {
	in.initing.Lock()
	defer in.initing.Unlock()
	if h := in.take(c); h != nil {
		return h, nil
	}
	in.mu.Lock()
	properties, initialised := in.properties, in.initialised
	in.mu.Unlock()
	if !initialised {
		return nil, errNotInitialised
	}
	fresh, err := s.open(ctx, in.key.name, properties)
	if err != nil {
		s.log.Warnf("instance %q of pid %d could not be initialised again: %v", in.key.name, in.key.peer.pid, err)
		return nil, status.Error(codes.Unavailable, "the component could not be initialised again: see its log")
	}
	in.put(fresh, c, properties)
	s.log.Infof("instance %q of pid %d is back", in.key.name, in.key.peer.pid)
	if h := in.take(c); h != nil {
		return h, nil
	}
	return nil, errNotInitialised // closed meanwhile
}

func (s *instances) getOrAdd(key instanceKey) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.byKey[key]
	if in == nil {
		in = &instance{key: key}
		s.byKey[key] = in
	}
	return in
}

// forgetUnused drops an instance if its first Init failed.
func (s *instances) forgetUnused(in *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.initialised && s.byKey[in.key] == in {
		delete(s.byKey, in.key)
	}
}

// connectionEnded closes the stores of instances that no other connection uses.
func (s *instances) connectionEnded(c *connection) {
	s.mu.RLock()
	all := slices.Collect(maps.Values(s.byKey))
	s.mu.RUnlock()
	for _, in := range all {
		if in.leave(c) {
			s.log.Infof("instance %q of pid %d has no connection any more; its stores are closed",
				in.key.name, in.key.peer.pid)
		}
	}
}

// peerCheck is how often instances without a connection are asked whether their
// daprd still lives.
const peerCheck = 10 * time.Second

// watchPeers forgets instances whose daprd is gone, until ctx ends.
func (s *instances) watchPeers(ctx context.Context) {
	ticker := time.NewTicker(peerCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.forgetGone()
		case <-ctx.Done():
			return
		}
	}
}

// forgetGone drops what is kept of processes that have ended.
func (s *instances) forgetGone() {
	s.forget(func(in *instance) bool { return !in.used() && in.key.peer.gone() })
}

// close closes every store, each when its last call has ended.
func (s *instances) close() {
	s.forget(func(*instance) bool { return true })
}

// forget drops the instances that which picks, and closes their stores.
func (s *instances) forget(which func(*instance) bool) {
	var dropped []*instance
	s.mu.Lock()
	for key, in := range s.byKey {
		if which(in) {
			delete(s.byKey, key)
			dropped = append(dropped, in)
		}
	}
	s.mu.Unlock()
	for _, in := range dropped {
		in.retire()
	}
}

// put gives the instance a new store and retires the old one. If c has ended
// meanwhile and no other connection uses the instance, the new one is retired too.
func (in *instance) put(fresh *held, c *connection, properties map[string]string) {
	in.mu.Lock()
	old := in.held
	in.held, in.properties, in.initialised = fresh, properties, true
	in.use(c)
	if len(in.users) == 0 {
		in.held = nil
		defer fresh.retire()
	}
	in.mu.Unlock()
	old.retire()
}

// take returns the store for one call by c; nil if there is none.
func (in *instance) take(c *connection) *held {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.held == nil || !in.held.acquire() {
		return nil
	}
	in.use(c)
	return in.held
}

// use counts c among the instance's connections, unless it has ended.
func (in *instance) use(c *connection) {
	if _, ok := in.users[c]; ok || c.ended.Load() {
		return
	}
	if in.users == nil {
		in.users = map[*connection]struct{}{}
	}
	in.users[c] = struct{}{}
}

// used tells whether a live connection uses the instance.
func (in *instance) used() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.users) > 0
}

// leave takes c, which has ended, from the instance's connections, and closes the
// store if it was the last.
func (in *instance) leave(c *connection) bool {
	in.mu.Lock()
	_, used := in.users[c]
	delete(in.users, c)
	if !used || len(in.users) > 0 {
		in.mu.Unlock()
		return false
	}
	old := in.held
	in.held = nil
	in.mu.Unlock()
	old.retire()
	return old != nil
}

func (in *instance) retire() {
	in.mu.Lock()
	old := in.held
	in.held = nil
	in.mu.Unlock()
	old.retire()
}
