package resolver

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// LastGoodAge is how old the last good answer may be that is given to [Ask.LastGood]
// while a store is down or slow.
const LastGoodAge = time.Hour

// forgetful is how long something is kept after its last use was over.
const forgetful = time.Second

// Cache keeps finished credentials, and failures that no store is to blame for. It
// may outlive the resolver that it stands before. It is safe for concurrent use.
type Cache struct {
	opts    CacheOptions
	entries *otter.Cache[string, *entry]
}

// entry is what is kept of one GUID: a credential, or a failure.
type entry struct {
	credential *Credential
	err        error
	at         time.Time // of the credential's oldest part, or of the failure
	renewAt    time.Time // from then on, whoever asks has it renewed
	lastGood   bool      // it is kept for LastGood alone

	stale    atomic.Bool // it has been given as the last good one
	renewing atomic.Bool
	// failing is when a credential that could not be renewed, for a store that is down
	// or slow, is tried again, in Unix nanoseconds; zero: the last reading succeeded.
	failing atomic.Int64
}

// good tells whether it may be answered as it is.
func (e *entry) good(o *CacheOptions, now time.Time) bool {
	if e.err != nil {
		return now.Sub(e.at) < o.NegativeTTL
	}
	return now.Sub(e.at) < o.TTL
}

// NewCache returns an empty cache.
func NewCache(o CacheOptions) *Cache {
	o = o.withDefaults()
	c := &Cache{opts: o}
	least := o.leastWeight()
	c.entries = otter.Must(&otter.Options[string, *entry]{
		Clock:         o.clock,
		MaximumWeight: uint64(o.MaxBytes), //nolint:gosec // it is above zero
		Weigher: func(guid string, e *entry) uint32 {
			size := len(guid) + entryOverhead
			if e.credential != nil { // and its encoded answers, which are as large again
				size += 2 * sizeOf(e.credential.Fields)
			}
			return weight(least, size)
		},
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *entry]) time.Duration {
			if e.Value.err != nil {
				return o.NegativeTTL
			}
			return max(o.TTL, o.staleness(e.Value.lastGood)) + forgetful
		}),
	})
	return c
}

// Close ends what takes from memory in time what is too old. The cache goes on for who
// has it, and then does so as it is used.
func (c *Cache) Close() { c.entries.StopAllGoroutines() }

// Len returns of how many GUIDs something is kept.
func (c *Cache) Len() int {
	c.entries.CleanUp()
	return c.entries.EstimatedSize()
}

// staleness is how old the last good answer may be.
func (o CacheOptions) staleness(lastGood bool) time.Duration {
	var allowed time.Duration
	if o.TTL > 0 {
		allowed = o.StaleIfError
	}
	if lastGood {
		allowed = max(allowed, LastGoodAge)
	}
	return allowed
}

// keep takes what a reading brought.
func (c *Cache) keep(guid string, credential *Credential, err error, lastGood bool) {
	now := c.opts.Now()
	before, _ := c.entries.GetIfPresent(guid)
	lastGood = lastGood || before != nil && before.lastGood
	switch {
	case err == nil && (c.opts.TTL > 0 || lastGood):
		// Between 75 and 90 hundredths of its time, so that many processes that began
		// together do not keep step.
		share := 0.75 + 0.15*rand.Float64() //nolint:gosec // no secret depends on it
		c.entries.Set(guid, &entry{
			credential: credential, at: credential.ReadAt, lastGood: lastGood,
			renewAt: credential.ReadAt.Add(time.Duration(share * float64(c.opts.TTL))),
		})
	case err != nil && KindOf(err).Retryable():
		if before != nil && before.credential != nil {
			pause := time.Second + time.Duration(rand.Int64N(int64(time.Second))) //nolint:gosec // as above
			before.failing.Store(now.Add(pause).UnixNano())
			before.renewing.Store(false)
		}
	case err != nil && c.opts.TTL > 0 && c.opts.NegativeTTL > 0 && KindOf(err) != Internal:
		c.entries.Set(guid, &entry{err: err, at: now, lastGood: lastGood})
	default:
		c.entries.Invalidate(guid)
	}
}
