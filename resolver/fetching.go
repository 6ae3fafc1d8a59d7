package resolver

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"credential-resolver/resolver/credential"
)

// fetching are the reads of secrets that one resolution makes side by side.
type fetching struct {
	group errgroup.Group
	end   context.CancelFunc

	mu  sync.Mutex
	err error
}

func newFetching(ctx context.Context) (*fetching, context.Context) {
	ctx, end := context.WithCancel(ctx)
	f := &fetching{end: end}
	f.group.SetLimit(maxLookups)
	return f, ctx
}

// begin makes a read as soon as there is a place for it.
func (f *fetching) begin(read func() error) {
	f.group.Go(func() error {
		if err := read(); err != nil {
			f.failed(err)
		}
		return nil
	})
}

// failed notes a failure. Of several, one that no retry mends counts, and ends what is
// under way; else all are waited for, since one of them may be such: a refusal must not
// pass for an outage, which has the last good answer given.
func (f *fetching) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || credential.KindOf(f.err).Retryable() && !credential.KindOf(err).Retryable() {
		f.err = err
	}
	if !credential.KindOf(err).Retryable() || errors.Is(err, credential.ErrOverloaded) { // whose task no store is asked for any more
		f.end()
	}
}

// wait waits for all of them, and returns the failure that counts.
func (f *fetching) wait() error {
	_ = f.group.Wait() // which has none: they are collected here
	f.end()
	return f.err
}
