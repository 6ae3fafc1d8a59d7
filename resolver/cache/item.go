package cache

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"credential-resolver/resolver/credential"
)

// entry is a finished credential in a cache. Its times count from when the reading of
// it began, by a clock that nobody sets.
type item struct {
	credential *credential.Credential
	began      time.Time
	share      float64   // of its TTL, after which it is renewed, on average
	renewAt    time.Time // from then on, whoever asks has it renewed
	restored   bool      // it was read by an earlier process

	memo       Memo
	lastGood   atomic.Bool                      // it is kept for LastGood, whatever StaleIfError says
	stale      atomic.Bool                      // it has been given as the last good one
	outage     atomic.Pointer[credential.Error] // why it could not be renewed, for a store that is down or slow; nil: it is not so
	failures   atomic.Int32                     // to renew it, in a row
	retryAfter atomic.Int64                     // when it may be tried again, in nanoseconds since began
	rejectedAt atomic.Int64                     // when it was last read again as rejected; likewise, zero: never
}

// renewIn sets when the entry is renewed: after 75 to 90 hundredths of its TTL. Most of
// the difference is drawn once for a credential in a process, and is that of the entry
// before, if there was one. So it adds up: processes that began together are out of
// step in five TTLs. Draws anew each time would even each other out, and take thirty.
func (e *item) renewIn(ttl time.Duration, before *item) {
	e.share = 0.765 + 0.12*rand.Float64() //nolint:gosec // no secret depends on it
	if before != nil && before.share > 0 {
		e.share = before.share
	}
	share := e.share + 0.03*rand.Float64() - 0.015 //nolint:gosec // as above
	e.renewAt = e.credential.ReadAt.Add(time.Duration(share * float64(ttl)))
}

// failed notes that the entry could not be renewed. It is tried again after a second
// or two and, each time that fails, after four times as long, up to the TTL: many that
// wait for a store ask little more of the others than usual, and do not all come at
// once when it is back.
func (e *item) failed(now time.Time, ttl time.Duration) {
	if !e.mayRetry(now) {
		return // it was asked for before its time
	}
	const first, growths = 2 * time.Second, 10
	most := min(first<<(2*min(e.failures.Add(1)-1, growths)), max(ttl, first))
	pause := most/2 + rand.N(most/2) //nolint:gosec // as above
	e.retryAfter.Store(int64(now.Sub(e.began) + pause))
}

// mayRetry tells whether it is time to try to renew it.
func (e *item) mayRetry(now time.Time) bool {
	return int64(now.Sub(e.began)) >= e.retryAfter.Load()
}

// trustedFailure is how long after the next attempt was due a failure is still taken
// for the state of the store. After that nobody has asked for a while.
const trustedFailure = 5 * time.Second

// failedLately tells whether it is not long ago that the next attempt was due.
func (e *item) failedLately(now time.Time) bool {
	return int64(now.Sub(e.began)-trustedFailure) < e.retryAfter.Load()
}

// rejectedPause is how long a credential is not read again after it was, for those who
// report that it was rejected (section 3).
const rejectedPause = time.Second

// mayReject tells whether it may be read again since it was rejected, and notes that
// it is.
func (e *item) mayReject(now time.Time) bool {
	at, last := int64(now.Sub(e.began)), e.rejectedAt.Load()
	return (last == 0 || at-last >= int64(rejectedPause)) && e.rejectedAt.CompareAndSwap(last, at)
}
