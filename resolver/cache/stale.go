package cache

import (
	"errors"
	"time"

	"credential-resolver/resolver/credential"
)

// outage returns why the last refresh of the entry failed, if that was recent or another
// attempt is running; nil if no store is down.
func (h *Handler) outage(guid string, kept *item, now time.Time) *credential.Error {
	outage := kept.outage.Load()
	if outage != nil && !kept.failedRecently(now) && !h.reads.Running(guid) {
		return nil
	}
	return outage
}

// lastGood answers with the stale credential if there is one that may be served; otherwise it
// returns the failure.
func (h *Handler) lastGood(guid string, now time.Time, ask Ask, failure error) (Answer, error) {
	if kept, _ := h.cache.get(guid, now, time.Time{}); kept != nil {
		if answer, ok := h.stale(kept, now, ask, failure); ok {
			answer.Waited = true
			return answer, nil
		}
	}
	return Answer{State: Miss}, failure
}

// stale returns the entry as a stale answer, if it may be served.
func (h *Handler) stale(kept *item, now time.Time, ask Ask, failure error) (Answer, bool) {
	ask.NotStale = ask.NotStale && !errors.Is(failure, errChanges) // no store is down, so NotStale does not apply
	if !h.mayBeStale(kept, now, ask) {
		return Answer{}, false
	}
	return Answer{
		Credential: kept.credential, Memo: &kept.memo, State: Stale,
		Stale: failure, BecameStale: kept.stale.CompareAndSwap(false, true),
	}, true
}

// mayBeStale tells whether the entry may be served while a store is down or slow.
func (h *Handler) mayBeStale(kept *item, now time.Time, ask Ask) bool {
	allowed := h.cache.opts.staleness(ask.LastGood)
	return !ask.NotStale && allowed > 0 && now.Sub(kept.credential.ReadAt) <= allowed
}
