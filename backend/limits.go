package backend

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
)

// Limits bound the calls to one store (DESIGN.md, section 2).
type Limits struct {
	// Timeout bounds one attempt (storeTimeout). Zero: DefaultTimeout.
	Timeout time.Duration
	// Retries is how many more attempts a call has after a transient failure
	// (storeRetries). Zero: none.
	Retries int
	// Concurrency is how many attempts are under way at a time, those included that
	// nobody waits for any more (storeConcurrency). Zero: DefaultConcurrency.
	Concurrency int
	// BreakerFailures is how many calls must fail one after the other, each with all
	// its retries, until the store is not asked for a while (breakerFailures). Zero:
	// it is always asked.
	BreakerFailures int
	// BreakerInterval is how long it is not asked then, or up to a fifth less
	// (breakerInterval). Zero: DefaultBreakerInterval.
	BreakerInterval time.Duration
}

// The defaults of section 2.
const (
	DefaultTimeout         = 3 * time.Second
	DefaultRetries         = 2
	DefaultConcurrency     = 64
	DefaultBreakerFailures = 5
	DefaultBreakerInterval = 5 * time.Second
)

// DefaultLimits are those of section 2.
func DefaultLimits() Limits {
	return Limits{DefaultTimeout, DefaultRetries, DefaultConcurrency, DefaultBreakerFailures, DefaultBreakerInterval}
}

func (l Limits) withDefaults() Limits {
	if l.Timeout <= 0 {
		l.Timeout = DefaultTimeout
	}
	if l.Concurrency <= 0 {
		l.Concurrency = DefaultConcurrency
	}
	if l.BreakerInterval <= 0 {
		l.BreakerInterval = DefaultBreakerInterval
	}
	return l
}

// guard holds the calls to one store to its limits.
type guard struct {
	limits  Limits
	slots   chan struct{}
	breaker *gobreaker.CircuitBreaker[struct{}] // nil for none
}

// newGuard returns a guard of a store; label names it in the log.
func newGuard(limits Limits, label string, log logger.Logger) *guard {
	limits = limits.withDefaults()
	g := &guard{limits: limits, slots: make(chan struct{}, limits.Concurrency)}
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
		IsExcluded:   func(err error) bool { return errors.Is(err, errAbandoned) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			switch to {
			case gobreaker.StateOpen:
				log.Warnf("%s fails; it is not asked for %v", label, limits.BreakerInterval)
			case gobreaker.StateClosed:
				log.Infof("%s answers again", label)
			case gobreaker.StateHalfOpen:
			}
		},
	})
	return g
}

var (
	errOpen      = resolver.Remedy("it failed before, and is not asked for a while")
	errBusy      = resolver.Remedy("too many calls to it are under way: see storeConcurrency")
	errAbandoned = errors.New("the caller has left")
)

// transient tells whether a failure may be over by the next attempt: no refusal,
// and no miss.
func transient(err error) bool {
	kind := resolver.KindOf(err)
	return kind == resolver.Unavailable || kind == resolver.Timeout
}

// guarded calls a store within the limits of g: it repeats what fails for a
// transient reason, as long as ctx allows, and does not call a store that is known
// to fail. Its error is a [resolver.StoreError].
func guarded[T any](ctx context.Context, g *guard, call func(context.Context) (T, error)) (T, error) {
	if g.breaker == nil {
		return retried(ctx, g, call)
	}
	var value T
	var failure error
	err := g.execute(ctx, func() (struct{}, error) {
		if g.breaker.State() == gobreaker.StateHalfOpen { // others wait for what comes of it
			value, failure = bounded(ctx, g, call)
		} else {
			value, failure = retried(ctx, g, call)
		}
		if failure != nil && errors.Is(ctx.Err(), context.Canceled) {
			return struct{}{}, errAbandoned // which says nothing of the store
		}
		return struct{}{}, failure
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return value, &resolver.StoreError{Kind: resolver.Unavailable, Err: errOpen}
	}
	return value, failure
}

// probePause is how often a call looks whether the one that probes a store is done.
const probePause = 10 * time.Millisecond

// execute runs an operation by the breaker's leave. After a while without any the
// breaker lets one call probe the store; the others wait for what comes of that, at
// most the limits' Timeout, since a credential may need several calls at once.
func (g *guard) execute(ctx context.Context, operation func() (struct{}, error)) error {
	ctx, cancel := context.WithTimeout(ctx, g.limits.Timeout)
	defer cancel()
	for {
		_, err := g.breaker.Execute(operation)
		if !errors.Is(err, gobreaker.ErrTooManyRequests) {
			return err
		}
		select {
		case <-time.After(probePause):
		case <-ctx.Done():
			return err
		}
	}
}

// retried makes up to 1 + Retries attempts.
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
		value, failure = bounded(ctx, g, call)
		if failure != nil && !transient(failure) {
			return struct{}{}, backoff.Permanent(failure)
		}
		return struct{}{}, failure
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(uint(g.limits.Retries)+1), backoff.WithMaxElapsedTime(0))
	return value, failure
}
