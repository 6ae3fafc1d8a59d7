package backend

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
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

// failed classifies the failures that every store can have. Everything but running out of
// time counts as Unavailable. So does a local file that we have no permission to read: it
// may be readable again in a moment (DESIGN.md, section 5).
func failed(err error) error {
	kind := credential.Unavailable
	if errors.Is(err, context.DeadlineExceeded) {
		kind = credential.Timeout
	}
	return &credential.StoreError{Kind: kind, Err: err}
}

// failedWrite classifies a failure to write a local file. Having no permission to write is
// Denied: it is how folders of configs are protected.
func failedWrite(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: err}
	}
	return failed(err)
}

// permissionDenied tells whether an error is that we have no permission for a local file.
// Some stores keep only the text of an error.
func permissionDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || strings.HasSuffix(err.Error(), syscall.EACCES.Error())
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
		return &credential.StoreError{Kind: credential.Timeout, Err: inURL.Err}
	}
	return failed(inURL.Err)
}

// unavailable is a failure that is not the secret's.
func unavailable(err error) error {
	return &credential.StoreError{Kind: credential.Unavailable, Err: err}
}

// absent says that a store has no such config or secret.
func absent() error {
	return &credential.StoreError{Kind: credential.NotFound, Err: errAbsent}
}

var errAbsent = errors.New("not there")

// Missing tells whether a store's error says that it has no such config or secret.
func Missing(err error) bool { return err != nil && credential.KindOf(err) == credential.NotFound }
