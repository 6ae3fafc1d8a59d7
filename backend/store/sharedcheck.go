package store

import (
	"context"
	"errors"
	"sync"

	"credential-resolver/resolver/credential"
)

// SharedCheck runs a check once for all calls that need its outcome at the same time (single
// flight). Runs do not overlap. A call gets the outcome of a run that began after the call
// did, so that the run saw a newer state than the answer that it must prove.
type SharedCheck struct {
	mu      sync.Mutex
	current *checkRun // the last run that began; nil: no run yet
	next    *checkRun // the run that has not begun yet; nil: no call waits for one
}

type checkRun struct {
	done chan struct{} // closed when err is set
	err  error
}

var errPanicCheck = errors.New("a check of the store panicked")

// Do returns the outcome of check, from a run that other calls may share. The run has the
// deadline of the first call that asked for it. It goes on if that call leaves.
func (s *SharedCheck) Do(ctx context.Context, check func(context.Context) error) error {
	run := s.join(ctx, check)
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return &credential.StoreError{Kind: credential.Timeout, Err: ctx.Err()}
	}
}

// join returns the run that has not begun yet. It schedules one if needed.
func (s *SharedCheck) join(ctx context.Context, check func(context.Context) error) *checkRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &checkRun{done: make(chan struct{})}
		go s.run(ctx, s.current, check)
	}
	return s.next
}

// run makes the next run when the run before it has ended.
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
