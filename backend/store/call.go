package store

import (
	"context"
	"errors"
	"time"

	"credential-resolver/resolver/credential"
)

var errPanic = errors.New("panic in the store")

// bounded makes one attempt as soon as the store's queue admits it, and waits at most the
// limits' Timeout for its answer. A store that ignores its context is left behind: its call
// keeps its place in the queue until it ends.
func bounded[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	var none T
	w, err := g.queue.acquire(ctx)
	if err != nil {
		return none, err
	}
	if g.open() { // since the call began to wait
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
	if w != nil && ctx.Err() != nil && !g.queue.hangs(w) { // the request's time was spent on waiting
		return none, errOverloaded()
	}
	return none, &credential.StoreError{Kind: credential.Timeout, Err: attempt.Err()}
}
