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
	share      float64   // of its TTL, after which it is renewed, on average
	renewAt    time.Time // from then on, whoever asks has it renewed
	lastGood   bool      // it is kept for LastGood alone

	stale    atomic.Bool // it has been given as the last good one
	renewing atomic.Bool
	// failing is when a credential that could not be renewed, for a store that is down
	// or slow, is tried again, in Unix nanoseconds; zero: the last reading succeeded.
	failing  atomic.Int64
	failures atomic.Int32 // in a row
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
		e := &entry{credential: credential, at: credential.ReadAt, lastGood: lastGood}
		e.renewIn(c.opts.TTL, before)
		c.entries.Set(guid, e)
	case err != nil && KindOf(err).Retryable():
		if before != nil && before.credential != nil {
			before.failed(now, c.opts.TTL)
		}
	case err != nil && c.opts.TTL > 0 && c.opts.NegativeTTL > 0 && KindOf(err) != Internal:
		c.entries.Set(guid, &entry{err: err, at: now, lastGood: lastGood})
	default:
		c.entries.Invalidate(guid)
	}
}

// renewIn sets when the entry is renewed: after 75 to 90 hundredths of its TTL. Most of
// the difference is drawn once for a credential in a process, and is that of the entry
// before, if there was one. So it adds up: processes that began together are out of
// step in five TTLs. Draws anew each time would even each other out, and take thirty.
func (e *entry) renewIn(ttl time.Duration, before *entry) {
	e.share = 0.765 + 0.12*rand.Float64() //nolint:gosec // no secret depends on it
	if before != nil && before.share > 0 {
		e.share = before.share
	}
	share := e.share + 0.03*rand.Float64() - 0.015 //nolint:gosec // as above
	e.renewAt = e.at.Add(time.Duration(share * float64(ttl)))
}

// failed notes that the entry could not be renewed. It is tried again after a second
// or two and, each time that fails, after four times as long, up to the TTL: many that
// wait for a store ask little more of the others than usual, and do not all come at
// once when it is back.
func (e *entry) failed(now time.Time, ttl time.Duration) {
	if now.UnixNano() >= e.failing.Load() { // else it was asked for before its time
		const first, growths = 2 * time.Second, 10
		most := min(first<<(2*min(e.failures.Add(1)-1, growths)), max(ttl, first))
		pause := most/2 + rand.N(most/2) //nolint:gosec // as above
		e.failing.Store(now.Add(pause).UnixNano())
	}
	e.renewing.Store(false)
}
