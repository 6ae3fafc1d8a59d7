package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver/credential"
)

// guard holds the calls to one store to its limits.
type guard struct {
	limits  Limits
	queue   *queue
	breaker *gobreaker.CircuitBreaker[struct{}] // nil for none

	mu      sync.Mutex
	probed  chan struct{} // closed when the call ends that probes the store
	waiting int           // the calls that wait for that
}

// newGuard returns a guard of a store; label names it in the log.
func newGuard(limits Limits, label string, log logger.Logger) *guard {
	limits = limits.withDefaults()
	g := &guard{limits: limits, queue: newQueue(limits), probed: make(chan struct{})}
	if limits.BreakerFailures <= 0 {
		return g
	}
	g.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		// Its own part of the interval, so that the probes of many processes do not
		// keep step.
		Timeout: limits.BreakerInterval*4/5 + rand.N(limits.BreakerInterval/5+1), //nolint:gosec // no secret depends on it
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			return int64(counts.ConsecutiveFailures) >= int64(limits.BreakerFailures)
		},
		IsSuccessful: func(err error) bool { return err == nil || !transient(err) },
		IsExcluded: func(err error) bool {
			return errors.Is(err, errAbandoned) || notAsked(err) && !errors.Is(err, errSilent)
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			switch to {
			case gobreaker.StateOpen:
				log.Warnf("%s fails; it is not asked for %v", label, limits.BreakerInterval)
				g.queue.refuse(errNotAsked())
			case gobreaker.StateClosed:
				log.Infof("%s answers again", label)
			case gobreaker.StateHalfOpen:
			}
		},
	})
	return g
}

var (
	errOpen      = credential.Remedy("it failed before, and is not asked for a while")
	errAbandoned = errors.New("the caller has left")
)

// errNotAsked is the failure of a call while the breaker is open.
func errNotAsked() error {
	return &credential.StoreError{Kind: credential.Unavailable, Err: errOpen}
}

// open tells whether the breaker is open: the store is not to be asked.
func (g *guard) open() bool { return g.breaker != nil && g.breaker.State() == gobreaker.StateOpen }

// notAsked tells whether the store was not asked. A retry would only add to the load.
func notAsked(err error) bool {
	return errors.Is(err, credential.ErrOverloaded) || errors.Is(err, errOpen) || errors.Is(err, errSilent)
}

// transient tells whether a failure may be over by the next attempt: no refusal,
// and no miss.
func transient(err error) bool { return err != nil && credential.KindOf(err).Retryable() }

// guarded calls a store within the limits of g: it repeats what fails for a
// transient reason, as long as ctx allows, and does not call a store that is known
// to fail. Its error is a [resolver.StoreError].
func guarded[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	if g.breaker == nil {
		return retried(ctx, g, call)
	}
	var value T
	var failure error
	err := g.execute(ctx, func(probe bool) error {
		if probe { // others wait for what comes of it
			value, failure = bounded(ctx, g, call)
		} else {
			value, failure = retried(ctx, g, call)
		}
		if failure != nil && errors.Is(ctx.Err(), context.Canceled) {
			return errAbandoned // which says nothing of the store
		}
		return failure
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return value, errNotAsked()
	}
	return value, failure
}

// execute runs an operation if the breaker allows it. After a while without calls the
// breaker lets one call probe the store; other calls wait for the outcome, at most the
// limits' Timeout, since a credential may need several calls at once.
func (g *guard) execute(ctx context.Context, operation func(probe bool) error) error {
	ctx, cancel := context.WithTimeout(ctx, g.limits.Timeout)
	defer cancel()
	for {
		probed := g.probe()
		probe := false
		_, err := g.breaker.Execute(func() (struct{}, error) {
			probe = g.breaker.State() == gobreaker.StateHalfOpen
			return struct{}{}, operation(probe)
		})
		if probe {
			g.probeEnded()
		}
		if !errors.Is(err, gobreaker.ErrTooManyRequests) || !g.awaitProbe(ctx, probed) {
			return err
		}
	}
}

// probe returns what is closed when the next call ends that probes the store.
func (g *guard) probe() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.probed
}

func (g *guard) probeEnded() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.probed)
	g.probed = make(chan struct{})
}

// awaitProbe waits for the end of a probe. It tells whether that has come: not within ctx,
// or too many calls wait already.
func (g *guard) awaitProbe(ctx context.Context, probed <-chan struct{}) bool {
	if !g.join(1) {
		return false
	}
	defer g.join(-1)
	select {
	case <-probed:
		return true
	case <-ctx.Done():
		return false
	}
}

// join changes the number of calls that wait for a probe, unless there are too many.
func (g *guard) join(calls int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting+calls > maxWaiting {
		return false
	}
	g.waiting += calls
	return true
}

// retried makes up to 1 + Retries attempts. If a retry cannot be made, the failure is that of
// the attempt before: the store's own.
func retried[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	if g.limits.Retries <= 0 {
		return bounded(ctx, g, call)
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 50 * time.Millisecond
	pauses.MaxInterval = time.Second
	var value T
	var failure error
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		got, err := bounded(ctx, g, call)
		if failure == nil || !notAsked(err) {
			value, failure = got, err
		}
		if err != nil && (!transient(err) || notAsked(err)) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, failure
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(uint(g.limits.Retries)+1), backoff.WithMaxElapsedTime(0))
	return value, failure
}
