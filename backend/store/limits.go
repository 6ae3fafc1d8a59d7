package store

import "time"

// Limits bound the calls to one store (DESIGN.md, section 2).
type Limits struct {
	// Timeout bounds one attempt (storeTimeout). Zero: DefaultTimeout.
	Timeout time.Duration
	// Retries is the number of further attempts after a transient failure (storeRetries).
	// Zero: no retry.
	Retries int
	// Concurrency is how many attempts run at a time (storeConcurrency). Attempts whose caller
	// has left count too. Other calls wait in a bounded queue. Zero: DefaultConcurrency.
	Concurrency int
	// BreakerFailures is how many calls in a row must fail, each with all its retries, to open
	// the circuit breaker (breakerFailures). Zero: no circuit breaker.
	BreakerFailures int
	// BreakerInterval is how long the breaker stays open before a call may probe the store
	// (breakerInterval). Jitter shortens it by up to a fifth. Zero: DefaultBreakerInterval.
	BreakerInterval time.Duration
}

// The default limits (DESIGN.md, section 2).
const (
	DefaultTimeout         = 3 * time.Second
	DefaultRetries         = 2
	DefaultConcurrency     = 64
	DefaultBreakerFailures = 5
	DefaultBreakerInterval = 5 * time.Second
)

// DefaultLimits returns the default limits (DESIGN.md, section 2).
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
