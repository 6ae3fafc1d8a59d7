package cache

import (
	"math"
	"time"

	"github.com/maypok86/otter/v2"
)

// The defaults of the cache (DESIGN.md, section 2).
const (
	DefaultTTL          = time.Minute
	DefaultMaxEntries   = 10_000
	DefaultMaxBytes     = 64 << 20
	DefaultStaleIfError = time.Hour
	DefaultNegativeTTL  = 5 * time.Second
)

// CacheOptions bound a cache (DESIGN.md, section 2).
type Options struct {
	// TTL is how old an answer may be, from when the oldest part of it was read
	// (cacheTTL). Zero: every credential is resolved anew.
	TTL time.Duration
	// MaxEntries and MaxBytes are how many credentials are kept at the most, and of
	// what size, by an estimate (cacheMaxEntries, cacheMaxBytes); secrets have as much
	// for themselves. Zero: the defaults.
	MaxEntries int
	MaxBytes   int64
	// StaleIfError is how old the last good answer may be that is given while a store
	// is down or slow (staleIfError). Zero: none is given.
	StaleIfError time.Duration
	// NegativeTTL is how long a failure is given that a store is not to blame for
	// (negativeCacheTTL). Zero: it is found anew each time.
	NegativeTTL time.Duration
	// Consistent reads a credential again until nothing has changed underneath, twice
	// at the most (consistentReads). False: what is read is answered.
	Consistent bool
	// Store keeps last good answers for the process after this one. Nil: they end with
	// this one.
	Store LastGoodStore
	// Now is the clock. Nil: time.Now, by which also goes from memory what is too old
	// for any answer.
	Now func() time.Time

	clock otter.Clock // nil: otter's own
}

// DefaultCacheOptions are those of section 2.
func DefaultOptions() Options {
	return Options{
		TTL: DefaultTTL, MaxEntries: DefaultMaxEntries, MaxBytes: DefaultMaxBytes,
		StaleIfError: DefaultStaleIfError, NegativeTTL: DefaultNegativeTTL,
	}
}

// cacheClock is a clock for otter that wakes nobody.
type clock func() time.Time

// NowNano implements otter.Clock.
func (c clock) NowNano() int64 { return c().UnixNano() }

// Tick implements otter.Clock.
func (clock) Tick(time.Duration) <-chan time.Time { return nil }

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

// forever is the longest time.
const forever = time.Duration(math.MaxInt64)
