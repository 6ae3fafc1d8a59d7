package resolver

import (
	"math"
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
	// Store keeps last good answers for the process after this one. Nil: they end with
	// this one.
	Store LastGoodStore
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

// forever is the longest time.
const forever = time.Duration(math.MaxInt64)

// scale weighs entries so that one bound on their weight bounds their number too: each
// weighs as much, at least, as if there were as many as may be.
type scale struct {
	unit  int64  // bytes
	least int64  // units
	most  uint64 // units, of all together
}

func (o CacheOptions) scale() scale {
	s := scale{unit: o.MaxBytes>>30 + 1} // a weight has 32 bits
	units, entries := o.MaxBytes/s.unit, int64(o.MaxEntries)
	s.least = (units + entries - 1) / entries
	s.most = uint64(units) //nolint:gosec // it is not below zero
	if units >= entries {
		s.most = uint64(s.least * entries) //nolint:gosec // likewise
	}
	return s
}

// weigh is the weight of so many bytes.
func (s scale) weigh(size int) uint32 {
	return uint32(min(max(s.least, int64(size)/s.unit), 1<<31)) //nolint:gosec // it is within bounds
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

// weightOf estimates the memory that a credential takes in a cache, with its encoded
// answers, which are kept beside it if they are not large: each may be as large as it
// is, and larger if there is much to escape.
func weightOf(guid string, fields Object) int {
	size := sizeOf(fields)
	return len(guid) + entryOverhead + size + memoSlots*min(max(size, fields.JSONSize()), maxMemo)
}
