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

// guard applies the limits to the calls to one store: queue, timeout, retries and circuit
// breaker.
type guard struct {
	limits  Limits
	queue   *queue
	breaker *gobreaker.CircuitBreaker[struct{}] // nil: no circuit breaker

	mu      sync.Mutex
	probed  chan struct{} // closed and replaced when a probe of the store ends
	waiting int           // the number of calls that wait for the probe
}

// newGuard returns the guard of a store. The label names the store in the log.
func newGuard(limits Limits, label string, log logger.Logger) *guard {
	limits = limits.withDefaults()
	g := &guard{limits: limits, queue: newQueue(limits), probed: make(chan struct{})}
	if limits.BreakerFailures <= 0 {
		return g
	}
	g.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		// Jitter: 80 to 100% of the interval, so that many processes do not probe in step.
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
				log.Warnf("%s fails: its circuit breaker is open for %v", label, limits.BreakerInterval)
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
	errOpen      = credential.Remedy("it failed repeatedly, and its circuit breaker is open")
	errAbandoned = errors.New("the caller no longer waits")
)

// errNotAsked returns the error of a call that is not made because the breaker is open.
func errNotAsked() error {
	return &credential.StoreError{Kind: credential.Unavailable, Err: errOpen}
}

// open reports whether the breaker is open, so that the store must not be called.
func (g *guard) open() bool { return g.breaker != nil && g.breaker.State() == gobreaker.StateOpen }

// notAsked reports whether a call failed before it reached the store. A retry would only add
// to the load.
func notAsked(err error) bool {
	return errors.Is(err, credential.ErrOverloaded) || errors.Is(err, errOpen) || errors.Is(err, errSilent)
}

// transient reports whether the next attempt may succeed. A denied call and a missing secret
// are not transient.
func transient(err error) bool { return err != nil && credential.KindOf(err).Retryable() }

// guarded calls a store within the limits of g. It retries transient failures as long as ctx
// allows, and makes no call while the circuit breaker is open. Its error is a
// [credential.StoreError].
func guarded[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	if g.breaker == nil {
		return retried(ctx, g, call)
	}
	var value T
	var failure error
	err := g.execute(ctx, func(probe bool) error {
		if probe { // no retry: other calls wait for the probe's outcome
			value, failure = bounded(ctx, g, call)
		} else {
			value, failure = retried(ctx, g, call)
		}
		if failure != nil && errors.Is(ctx.Err(), context.Canceled) {
			return errAbandoned // this says nothing about the store
		}
		return failure
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return value, errNotAsked()
	}
	return value, failure
}

// execute runs an operation if the breaker allows it. When the breaker has been open for its
// interval, it lets one call probe the store. Other calls wait for the outcome instead of
// failing, because one credential may need several calls at once. They wait at most the
// limits' Timeout.
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

// probe returns a channel that is closed when the next probe of the store ends.
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

// awaitProbe waits for the end of a probe. It returns false if ctx ends first, or if too many
// calls wait already.
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

// join adds to the number of calls that wait for a probe. It returns false, and changes
// nothing, if that would be too many.
func (g *guard) join(calls int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting+calls > maxWaiting {
		return false
	}
	g.waiting += calls
	return true
}

// retried makes up to 1 + Retries attempts. If a retry does not reach the store, it returns
// the failure of the attempt before, which is the store's own.
func retried[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	if g.limits.Retries <= 0 {
		return bounded(ctx, g, call)
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 50 * time.Millisecond
	pauses.MaxInterval = time.Second
	var value T
	var failure error
	number := 0
	_, _ = backoff.Retry(ctx, func() (struct{}, error) {
		number++
		got, err := bounded(context.WithValue(ctx, numberKey{}, number), g, call)
		if failure == nil || !notAsked(err) {
			value, failure = got, err
		}
		if err != nil && (!transient(err) || notAsked(err)) {
			return struct{}{}, backoff.Permanent(err)
		}
		switch after := retryAfter(err); {
		case after > g.limits.Timeout:
			return struct{}{}, backoff.Permanent(err)
		case after > 0:
			return struct{}{}, &backoff.RetryAfterError{Duration: after}
		}
		return struct{}{}, failure
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(uint(g.limits.Retries)+1), backoff.WithMaxElapsedTime(0))
	return value, failure
}
