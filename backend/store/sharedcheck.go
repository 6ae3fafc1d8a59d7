package store

import (
	"context"
	"errors"
	"sync"

	"credential-resolver/resolver/credential"
)

// SharedCheck runs a check for all calls that need its outcome at the same time, one
// run after the other. A call gets the outcome of a run that began after the call did,
// so that what the run saw is newer than the answer that it is to prove.
type SharedCheck struct {
	mu      sync.Mutex
	current *checkRun // the last one that began; nil: none did
	next    *checkRun // not begun yet; nil: nobody waits for another run
}

type checkRun struct {
	done chan struct{} // closed when err is there
	err  error
}

var errPanicCheck = errors.New("panic in a check of the store")

// Do returns the outcome of check, as run for this call or for another one. A run has the
// deadline of the call that asked for it first, and goes on when that has left.
func (s *SharedCheck) Do(ctx context.Context, check func(context.Context) error) error {
	run := s.join(ctx, check)
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return &credential.StoreError{Kind: credential.Timeout, Err: ctx.Err()}
	}
}

// join returns the run that has not begun yet.
func (s *SharedCheck) join(ctx context.Context, check func(context.Context) error) *checkRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &checkRun{done: make(chan struct{})}
		go s.run(ctx, s.current, check)
	}
	return s.next
}

// run makes the next run, after the one before it.
func (s *SharedCheck) run(ctx context.Context, before *checkRun, check func(context.Context) error) {
	deadline, limited := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	if limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	if before != nil {
		<-before.done
	}
	s.mu.Lock()
	run := s.next
	s.current, s.next = run, nil
	s.mu.Unlock()
	defer close(run.done)
	defer func() {
		if recover() != nil {
			run.err = &credential.StoreError{Kind: credential.Internal, Err: errPanicCheck}
		}
	}()
	run.err = check(ctx)
}
