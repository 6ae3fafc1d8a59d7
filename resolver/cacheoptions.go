package resolver

import (
	"time"

	"github.com/maypok86/otter/v2"
)

// The defaults of the cache (DESIGN.md, section 2).
const (
	DefaultCacheTTL         = time.Minute
	DefaultCacheMaxEntries  = 10_000
	DefaultCacheMaxBytes    = 64 << 20
	DefaultStaleIfError     = time.Hour
	DefaultNegativeCacheTTL = 5 * time.Second
)

// CacheOptions bound a cache (DESIGN.md, section 2).
type CacheOptions struct {
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
	// Now is the clock. Nil: time.Now, by which also goes from memory what is too old
	// for any answer.
	Now func() time.Time

	clock otter.Clock // nil: otter's own
}

// DefaultCacheOptions are those of section 2.
func DefaultCacheOptions() CacheOptions {
	return CacheOptions{
		TTL: DefaultCacheTTL, MaxEntries: DefaultCacheMaxEntries, MaxBytes: DefaultCacheMaxBytes,
		StaleIfError: DefaultStaleIfError, NegativeTTL: DefaultNegativeCacheTTL,
	}
}

// cacheClock is a clock for otter that wakes nobody.
type cacheClock func() time.Time

// NowNano implements otter.Clock.
func (c cacheClock) NowNano() int64 { return c().UnixNano() }

// Tick implements otter.Clock.
func (cacheClock) Tick(time.Duration) <-chan time.Time { return nil }

func (o CacheOptions) withDefaults() CacheOptions {
	if o.MaxEntries <= 0 {
		o.MaxEntries = DefaultCacheMaxEntries
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultCacheMaxBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	} else {
		o.clock = cacheClock(o.Now)
	}
	return o
}

// leastWeight is what an entry weighs at least, in bytes, so that a bound on the
// weight alone bounds the number of entries too.
func (o CacheOptions) leastWeight() int {
	return int((o.MaxBytes + int64(o.MaxEntries) - 1) / int64(o.MaxEntries))
}

// weight is an entry's weight by its size, in bytes.
func weight(least, size int) uint32 {
	const most = 1 << 31
	return uint32(min(max(least, size), most)) //nolint:gosec // it is within bounds
}

// Estimates of memory, in bytes: of an entry of a cache with its object, and of a
// field in an object, with its place in the index.
const (
	entryOverhead = 400
	fieldOverhead = 120
)

// sizeOf estimates the memory that an object takes, in bytes.
func sizeOf(o Object) int {
	size := entryOverhead
	for name, v := range o.All() {
		size += fieldOverhead + len(name) + len(v.text)
		if v.made != nil {
			size += sizeOf(*v.made)
		}
	}
	return size
}
