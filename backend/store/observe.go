package store

import (
	"context"
	"time"

	"credential-resolver/resolver/credential"
)

// Observer observes the calls to stores. Its method is called from several goroutines at once.
type Observer interface {
	// StoreCalled reports one attempt. It is called when the store has answered, which may be
	// after the request has ended.
	StoreCalled(ctx context.Context, attempt Attempt)
}

// Attempt is one attempt at a call to a store.
type Attempt struct {
	// Store is the store's label, and Type its type.
	Store, Type string
	// Number counts the attempts of a call, from 1.
	Number int
	// Queued is how long the attempt waited in the store's queue.
	Queued time.Duration
	// Took is how long the store needed. Queued is not part of it.
	Took time.Duration
	// Err is nil if the attempt succeeded, and has kind NotFound if the config or secret is
	// missing. Its text and what it wraps are not public.
	Err error
}

// The context of an attempt holds what only the guard knows.
type (
	numberKey struct{} // Attempt.Number, if the call may be retried
	queuedKey struct{} // Attempt.Queued, if the attempt had to wait
)

// observed makes an attempt and reports it. A panic is reported as an Internal failure and
// then continues.
func observed[C interface{ Close() error }, T any](
	ctx context.Context, o *Opened[C], call func(context.Context) (T, error),
) (value T, err error) {
	if o.observer == nil {
		return call(ctx)
	}
	attempt := Attempt{Store: o.label, Type: o.storeType, Number: 1}
	if number, ok := ctx.Value(numberKey{}).(int); ok {
		attempt.Number = number
	}
	attempt.Queued, _ = ctx.Value(queuedKey{}).(time.Duration)
	began := time.Now()
	err = &credential.StoreError{Kind: credential.Internal, Err: errPanic} // reported if the call panics
	defer func() {
		attempt.Took, attempt.Err = time.Since(began), err
		o.observer.StoreCalled(ctx, attempt)
	}()
	value, err = call(ctx)
	return value, err
}
