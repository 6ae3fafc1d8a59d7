package pluggable

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// reopenTimeout is how long reopening waits for the store. It is short, because a call waits
// for the store anyway, and a start must not wait for long.
const reopenTimeout = 500 * time.Millisecond

// revive reopens an instance's store for a daprd that has connected again.
func (s *instances[T]) revive(ctx context.Context, in *instance[T], c *connection) (*refCounted[T], error) {
	if err := in.lock(ctx); err != nil {
		return nil, err
	}
	defer in.unlock()
	if r := in.take(c); r != nil {
		return r, nil
	}
	if err := s.reopen(ctx, in, c); err != nil {
		return nil, err
	}
	if r := in.take(c); r != nil {
		return r, nil
	}
	return nil, s.notInitialised(in.key.peer) // closed meanwhile
}

// reopen opens an instance's store again with the remembered properties. The caller has
// locked the instance. The error has the gRPC code Unavailable.
func (s *instances[T]) reopen(ctx context.Context, in *instance[T], c *connection) error {
	properties, initialised := in.remembered()
	if !initialised {
		return s.notInitialised(in.key.peer)
	}
	ctx, cancel := context.WithTimeout(ctx, reopenTimeout)
	defer cancel()
	ctx, done := s.withAnswersOf(ctx, in.key, properties)
	defer done()
	fresh, err := s.openStore(ctx, in.key, properties)
	if err != nil {
		s.log.Warnf("%s: instance %q of %s could not be initialised again: %v", s.kind, in.key.name, in.key.peer, err)
		return status.Error(codes.Unavailable, "the component could not be initialised again: see its log")
	}
	s.put(in, fresh, c, properties)
	s.log.Infof("%s: instance %q of %s is back", s.kind, in.key.name, in.key.peer)
	return nil
}
