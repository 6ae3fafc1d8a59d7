package cache

import (
	"errors"
	"time"

	"credential-resolver/resolver/credential"
)

// outage returns why the entry could not be renewed when it was last tried, if that was
// lately, or it is being tried since; nil, if no store was down.
func (c *Handler) outage(guid string, kept *item, now time.Time) *credential.Error {
	outage := kept.outage.Load()
	if outage != nil && !kept.failedLately(now) && !c.reads.Running(guid) {
		return nil
	}
	return outage
}

// lastGood answers with the last good credential if there is one and it may still be
// given, else with the failure.
func (c *Handler) lastGood(guid string, now time.Time, ask Ask, failure error) (Answer, error) {
	if kept, _ := c.cache.get(guid, now, time.Time{}); kept != nil {
		if answer, ok := c.stale(kept, now, ask, failure); ok {
			return answer, nil
		}
	}
	return Answer{}, failure
}

func (c *Handler) stale(kept *item, now time.Time, ask Ask, failure error) (Answer, bool) {
	ask.NotStale = ask.NotStale && !errors.Is(failure, errChanges) // no store is down
	if !c.mayBeStale(kept, now, ask) {
		return Answer{}, false
	}
	return Answer{Credential: kept.credential, Memo: &kept.memo, Stale: failure, BecameStale: kept.stale.CompareAndSwap(false, true)}, true
}

// mayBeStale tells whether a credential may be given while a store is down or slow.
func (c *Handler) mayBeStale(kept *item, now time.Time, ask Ask) bool {
	allowed := c.cache.opts.staleness(ask.LastGood)
	return !ask.NotStale && allowed > 0 && now.Sub(kept.credential.ReadAt) <= allowed
}
