package cache

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"credential-resolver/resolver/credential"
)

// item is a finished credential in a cache. Its times count from the beginning of its read,
// on a monotonic clock.
type item struct {
	credential *credential.Credential
	began      time.Time
	size       int       // estimated memory, in bytes
	share      float64   // the average part of the TTL after which it is refreshed
	refreshAt  time.Time // from then on, a request starts a background refresh
	restored   bool      // an earlier process read it

	memo       Memo
	lastGood   atomic.Bool                      // it is kept for Ask.LastGood, even if StaleIfError is shorter
	stale      atomic.Bool                      // it has been served stale
	outage     atomic.Pointer[credential.Error] // why the last refresh failed, if a store was down or slow; else nil
	failures   atomic.Int32                     // of a store, in a row
	retryAfter atomic.Int64                     // when the backoff ends, in nanoseconds since began
	rejectedAt atomic.Int64                     // when it was last read as rejected, in nanoseconds since began; zero: never
}

// scheduleRefresh sets the refresh time to 75 to 90% of the TTL (jitter). Most of the jitter
// is drawn once for each credential and process, and inherited from the entry before. So it
// adds up: processes that start together are out of step after five TTLs. A new draw each
// time would average out, and take thirty.
func (e *item) scheduleRefresh(ttl time.Duration, before *item) {
	e.share = 0.765 + 0.12*rand.Float64() //nolint:gosec // no secret depends on it
	if before != nil && before.share > 0 {
		e.share = before.share
	}
	share := e.share + 0.03*rand.Float64() - 0.015 //nolint:gosec // as above
	e.refreshAt = e.credential.ReadAt.Add(time.Duration(share * float64(ttl)))
}

// failed records a failed refresh and schedules the next attempt. The backoff is 1 to 2 s,
// then four times as long after each failure of a store, up to the TTL. The jitter keeps many
// processes from asking a store at the same moment when it is back. While a credential
// changes, its stores are up, so the backoff does not grow.
func (e *item) failed(now time.Time, failure error, ttl time.Duration) {
	if !e.mayRetry(now) {
		return // this attempt came before the backoff was over
	}
	const first, growths = 2 * time.Second, 10
	most := min(first<<(2*min(e.failures.Load(), growths)), max(ttl, first))
	if errors.Is(failure, errChanges) {
		most = first
		e.failures.Store(0)
	} else {
		e.failures.Add(1)
	}
	pause := most/2 + rand.N(most/2) //nolint:gosec // as above
	e.retryAfter.Store(int64(now.Sub(e.began) + pause))
}

// mayRetry tells whether the backoff is over.
func (e *item) mayRetry(now time.Time) bool {
	return int64(now.Sub(e.began)) >= e.retryAfter.Load()
}

// outageWindow is how long after the end of the backoff the last failure still counts as the
// state of the store. After that, no request has tried for a while.
const outageWindow = 5 * time.Second

// failedRecently tells whether the last failure still counts as the state of the store.
func (e *item) failedRecently(now time.Time) bool {
	return int64(now.Sub(e.began)-outageWindow) < e.retryAfter.Load()
}

// rejectedPause is the shortest time between two reads of a rejected credential (section 3).
const rejectedPause = time.Second

// mayReject tells whether the credential may be read again as rejected, and records that it
// is.
func (e *item) mayReject(now time.Time) bool {
	at, last := int64(now.Sub(e.began)), e.rejectedAt.Load()
	return (last == 0 || at-last >= int64(rejectedPause)) && e.rejectedAt.CompareAndSwap(last, at)
}

// scale gives entries weights so that one limit on the total weight also limits their number:
// each entry weighs at least the average of a full cache.
type scale struct {
	unit      int64  // bytes of one unit
	minWeight int64  // units, of one entry
	maxWeight uint64 // units, of the whole cache
}

func (o Options) scale() scale {
	s := scale{unit: o.MaxBytes>>30 + 1} // a weight has 32 bits
	units, entries := o.MaxBytes/s.unit, int64(o.MaxEntries)
	s.minWeight = (units + entries - 1) / entries
	s.maxWeight = uint64(units) //nolint:gosec // it is not below zero
	if units >= entries {
		s.maxWeight = uint64(s.minWeight * entries) //nolint:gosec // likewise
	}
	return s
}

// weigh returns the weight of a size in bytes.
func (s scale) weigh(size int) uint32 {
	return uint32(min(max(s.minWeight, int64(size)/s.unit), 1<<31)) //nolint:gosec // it is within bounds
}

// weightOf estimates the memory of a cached credential with its encodings in the [Memo], in
// bytes of one unit. An encoding may be larger than the credential if many characters need an escape.
// Large encodings are not kept.
func weightOf(guid string, c *credential.Credential) int {
	size := credential.SizeOf(c.Fields)
	encoded := min(max(size, c.Fields.JSONSize()), maxMemo)
	return len(guid) + credential.EntryOverhead + size + memoSlots*encoded + c.Provenance.Size()
}
