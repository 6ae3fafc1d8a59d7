package resolver

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"credential-resolver/resolver/credential"
)

// fetchGroup runs the reads of one resolution in parallel, at most maxLookups at a time, and
// keeps the error that matters most.
type fetchGroup struct {
	group errgroup.Group
	end   context.CancelFunc

	mu  sync.Mutex
	err error
}

func newFetchGroup(ctx context.Context) (*fetchGroup, context.Context) {
	ctx, end := context.WithCancel(ctx)
	f := &fetchGroup{end: end}
	f.group.SetLimit(maxLookups)
	return f, ctx
}

// begin starts a read as soon as a slot is free. A panic in the read becomes an error, because
// no caller could recover from it in another goroutine.
func (f *fetchGroup) begin(read func() error) {
	f.group.Go(func() error {
		defer func() {
			if recover() != nil {
				f.failed(&credential.StoreError{Kind: credential.Internal, Err: credential.ErrPanic})
			}
		}()
		if err := read(); err != nil {
			f.failed(err)
		}
		return nil
	})
}

// failed records an error. A permanent error wins over an outage and ends the other
// reads. After an outage the other reads go on, because one of them may find a
// permanent error: a refusal must not look like an outage, which would be answered with a
// stale credential.
func (f *fetchGroup) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || credential.IsOutage(f.err) && !credential.IsOutage(err) {
		f.err = err
	}
	if !credential.IsOutage(err) || errors.Is(err, credential.ErrOverloaded) { // no store accepts another call of this task
		f.end()
	}
}

// wait waits for all reads and returns the error that matters most.
func (f *fetchGroup) wait() error {
	_ = f.group.Wait() // always nil: begin collects the errors
	f.end()
	return f.err
}
