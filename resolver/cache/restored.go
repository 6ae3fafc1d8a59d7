package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"credential-resolver/resolver/credential"
)

// restoredWait is how long a request waits for the stores if it could have a stale credential
// from an earlier process. This process does not know yet whether the stores are slow.
const restoredWait = time.Second

// minRestoreSpread is the shortest time over which restored credentials are refreshed.
const minRestoreSpread = 10 * time.Second

// errSlow is the reason for a stale answer while a read goes on.
var errSlow = errors.New("no store has answered yet")

// readOrRestored is like read, but fails with errSlow after restoredWait if the entry is from
// an earlier process and may be served stale. The read goes on, and until it ends later
// requests get the stale credential at once.
func (h *Handler) readOrRestored(ctx context.Context, guid string, now time.Time, ask Ask) result {
	kept, _ := h.cache.get(guid, now, time.Time{})
	if kept == nil || !kept.restored || !h.mayBeStale(kept, now, ask) {
		return h.read(ctx, guid, time.Time{})
	}
	limited, cancel := context.WithTimeoutCause(ctx, restoredWait, errSlow)
	defer cancel()
	got := h.read(limited, guid, time.Time{})
	if got.err == nil || ctx.Err() != nil || !errors.Is(context.Cause(limited), errSlow) || !errors.Is(got.err, context.DeadlineExceeded) {
		return got
	}
	got.err = &credential.Error{Kind: credential.Timeout, GUID: guid, Reason: errSlow.Error() + " since the component was restarted", Cause: errSlow}
	kept.outage.CompareAndSwap(nil, outageOf(guid, got.err))
	return got
}

// refreshRestored refreshes the credentials from an earlier process in the background, one at
// a time. The order is random, and the reads are spread over about one TTL, because many
// processes may have restarted together. Failed reads are repeated in the next TTL. A TTL
// below minRestoreSpread counts as that.
func (h *Handler) refreshRestored() {
	ctx := h.reads.Context()
	if h.cache.refreshing.Acquire(ctx, 1) != nil { // one handler of this cache at a time
		return
	}
	defer h.cache.refreshing.Release(1)
	for {
		guids := h.cache.stillRestored()
		if len(guids) == 0 {
			return
		}
		rand.Shuffle(len(guids), func(i, j int) { guids[i], guids[j] = guids[j], guids[i] }) //nolint:gosec // no secret depends on it
		pause := max(h.cache.opts.TTL, minRestoreSpread) / time.Duration(len(guids))
		for _, guid := range guids {
			h.reads.Pause(pause/2 + rand.N(pause+1)) //nolint:gosec // as above
			if ctx.Err() != nil {
				return
			}
			now := h.cache.opts.Now()
			if kept, _ := h.cache.get(guid, now, time.Time{}); kept != nil && kept.restored {
				h.refreshInBackground(guid, kept, now)
				h.reads.Settle(ctx, guid)
			}
		}
	}
}

// stillRestored returns the GUIDs whose entry is still from an earlier process.
func (c *Cache) stillRestored() []string {
	c.writing.Lock()
	defer c.writing.Unlock()
	var still []string
	for _, guid := range c.restored {
		if kept, ok := c.entries.GetIfPresent(guid); ok && kept.restored {
			still = append(still, guid)
		}
	}
	c.restored = still
	return append([]string(nil), still...)
}
