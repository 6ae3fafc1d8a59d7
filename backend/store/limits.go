package store

import "time"

// Limits bound the calls to one store (DESIGN.md, section 2).
type Limits struct {
	// Timeout bounds one attempt (storeTimeout). Zero: DefaultTimeout.
	Timeout time.Duration
	// Retries is how many more attempts a call has after a transient failure
	// (storeRetries). Zero: none.
	Retries int
	// Concurrency is how many attempts run at a time, including those that nobody waits
	// for any more (storeConcurrency). Others wait in a bounded queue. Zero:
	// DefaultConcurrency.
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
