package backend

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"

	"credential-resolver/resolver"
)

var errPanic = errors.New("panic in the store")

// bounded makes one attempt, and waits at most the limits' Timeout for it, a place
// among the calls under way included. A store that does not heed its context is left
// behind: its call keeps its place until it ends.
func bounded[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, g.limits.Timeout)
	defer cancel()
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return none, &resolver.StoreError{Kind: resolver.Unavailable, Err: errBusy}
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if recover() != nil {
				o.err = &resolver.StoreError{Kind: resolver.Internal, Err: errPanic}
			}
			<-g.slots
			done <- o
		}()
		o.value, o.err = call(ctx)
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		return none, &resolver.StoreError{Kind: resolver.Timeout, Err: ctx.Err()}
	}
}

// failed classifies what every store can return: running out of time, and the
// file system's refusals, which are no word on a single secret. Anything else counts
// as unavailable.
func failed(err error) error {
	kind := resolver.Unavailable
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		kind = resolver.Timeout
	case errors.Is(err, fs.ErrPermission):
		kind = resolver.Denied
	}
	return &resolver.StoreError{Kind: kind, General: kind == resolver.Denied, Err: err}
}

// unanswered says what it means that a store that is asked over HTTP gave no answer;
// err is other without the error that net/http's client wraps its failures in. It
// is taken out of that, since the URL holds the name of the secret.
func unanswered(err, other error) error {
	var inURL *url.Error
	if !errors.As(err, &inURL) {
		return unavailable(other)
	}
	var network net.Error
	if errors.As(inURL.Err, &network) && network.Timeout() {
		return &resolver.StoreError{Kind: resolver.Timeout, Err: inURL.Err}
	}
	return failed(inURL.Err)
}

// unavailable is a failure that is not the secret's.
func unavailable(err error) error {
	return &resolver.StoreError{Kind: resolver.Unavailable, Err: err}
}

// absent says that a store has no such config or secret.
func absent() error {
	return &resolver.StoreError{Kind: resolver.NotFound, Err: errAbsent}
}

var errAbsent = errors.New("not there")

// Missing tells whether a store's error says that it has no such config or secret.
func Missing(err error) bool { return err != nil && resolver.KindOf(err) == resolver.NotFound }
