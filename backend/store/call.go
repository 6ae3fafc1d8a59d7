package store

import (
	"context"
	"errors"
	"time"

	"credential-resolver/resolver/credential"
)

var errPanic = errors.New("the store panicked")

// bounded makes one attempt. It waits until the store's queue admits the call, and then at
// most the limits' Timeout for the answer. If a store ignores its context, bounded stops
// waiting, but the call keeps its place in the queue until it returns.
func bounded[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	var none T
	arrived := time.Now()
	w, err := g.queue.acquire(ctx)
	if err != nil {
		return none, err
	}
	if w != nil {
		ctx = context.WithValue(ctx, queuedKey{}, time.Since(arrived))
	}
	if g.open() { // the breaker may have opened while the call waited in the queue
		g.queue.release(0)
		return none, errNotAsked()
	}
	attempt, cancel := context.WithTimeout(ctx, g.limits.Timeout)
	defer cancel()
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		var took time.Duration
		began := time.Now()
		defer func() {
			if recover() != nil {
				o.err = &credential.StoreError{Kind: credential.Internal, Err: errPanic}
			}
			g.queue.release(took)
			done <- o
		}()
		o.value, o.err = call(attempt)
		if !transient(o.err) {
			took = time.Since(began)
		}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-attempt.Done():
	}
	if w != nil && ctx.Err() != nil && !g.queue.hangs(w) { // the call used up its time in the queue
		return none, errOverloaded()
	}
	return none, &credential.StoreError{Kind: credential.Timeout, Err: attempt.Err()}
}
