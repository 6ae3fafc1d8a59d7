package cache

import (
	"math"
	"time"

	"github.com/maypok86/otter/v2"
)

// The defaults of a cache (DESIGN.md, section 2).
const (
	DefaultTTL          = time.Minute
	DefaultMaxEntries   = 10_000
	DefaultMaxBytes     = 64 << 20
	DefaultStaleIfError = time.Hour
	DefaultNegativeTTL  = 5 * time.Second
)

// Options configure a cache (DESIGN.md, section 2).
type Options struct {
	// TTL is the maximum age of an answer, counted from the read of its oldest part
	// (cacheTTL). Zero: no caching, every credential is resolved again.
	TTL time.Duration
	// MaxEntries and MaxBytes limit the number and the estimated size of cached credentials
	// (cacheMaxEntries, cacheMaxBytes). Cached secrets have the same limits of their own.
	// Zero: the defaults.
	MaxEntries int
	MaxBytes   int64
	// StaleIfError is the maximum age of a stale answer while a store is down or slow
	// (staleIfError). Zero: no stale answers.
	StaleIfError time.Duration
	// NegativeTTL is how long permanent failures are cached (negativeCacheTTL). Zero: they
	// are not cached.
	NegativeTTL time.Duration
	// Consistent repeats a read, at most twice, until nothing has changed underneath
	// (consistentReads). False: each credential is read once.
	Consistent bool
	// Store keeps last good credentials for the next process. Nil: they end with this one.
	Store LastGoodStore
	// Now is the clock. Nil: time.Now, and expired entries are then removed in the
	// background.
	Now func() time.Time

	clock otter.Clock // nil: otter's own
}

// DefaultOptions returns the defaults of section 2.
func DefaultOptions() Options {
	return Options{
		TTL: DefaultTTL, MaxEntries: DefaultMaxEntries, MaxBytes: DefaultMaxBytes,
		StaleIfError: DefaultStaleIfError, NegativeTTL: DefaultNegativeTTL,
	}
}

// clock is a clock for otter without timers.
type clock func() time.Time

// NowNano implements otter.Clock.
func (c clock) NowNano() int64 { return c().UnixNano() }

// Tick implements otter.Clock.
func (clock) Tick(time.Duration) <-chan time.Time { return nil }

// WithDefaults returns the options with the defaults for MaxEntries, MaxBytes and Now where
// they are zero.
func (o Options) WithDefaults() Options {
	if o.MaxEntries <= 0 {
		o.MaxEntries = DefaultMaxEntries
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	} else {
		o.clock = clock(o.Now)
	}
	return o
}

// forever is the longest duration.
const forever = time.Duration(math.MaxInt64)
