package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"credential-resolver/resolver/credential"
)

// restoredPatience is how long a request waits for the stores if a last good credential
// of an earlier process could be given instead: that process knew whether they are slow,
// and this one does not yet.
const restoredPatience = time.Second

// minSpread is the shortest time over which restored credentials are read anew.
const minSpread = 10 * time.Second

// errSlow is why a last good credential is given while a reading goes on.
var errSlow = errors.New("no store has answered yet")

// readPatiently is read, for a request. If the last good credential is that of an earlier
// process and may be given, the request gets it after restoredPatience. The reading goes
// on, and later requests get that credential at once until it ends.
func (c *Handler) readPatiently(ctx context.Context, guid string, now time.Time, ask Ask) reading {
	kept, _ := c.cache.get(guid, now, time.Time{})
	if kept == nil || !kept.restored || !c.mayBeStale(kept, now, ask) {
		return c.read(ctx, guid, time.Time{})
	}
	patient, cancel := context.WithTimeoutCause(ctx, restoredPatience, errSlow)
	defer cancel()
	got := c.read(patient, guid, time.Time{})
	if got.err == nil || ctx.Err() != nil || !errors.Is(context.Cause(patient), errSlow) || !errors.Is(got.err, context.DeadlineExceeded) {
		return got
	}
	got.err = &credential.Error{Kind: credential.Timeout, GUID: guid, Reason: errSlow.Error() + " since the component was restarted", Cause: errSlow}
	kept.outage.CompareAndSwap(nil, outageOf(guid, got.err))
	return got
}

// refreshRestored reads the credentials of an earlier process anew, in the background and
// one at a time: in random order, and spread over about a TTL, since many processes may
// have been restarted together. What cannot be read is tried again in the TTL after. A short
// TTL counts as minSpread.
func (c *Handler) refreshRestored() {
	ctx := c.reads.Context()
	if c.cache.refreshing.Acquire(ctx, 1) != nil { // by one of the handlers of the cache
		return
	}
	defer c.cache.refreshing.Release(1)
	for {
		guids := c.cache.stillRestored()
		if len(guids) == 0 {
			return
		}
		rand.Shuffle(len(guids), func(i, j int) { guids[i], guids[j] = guids[j], guids[i] }) //nolint:gosec // no secret depends on it
		pause := max(c.cache.opts.TTL, minSpread) / time.Duration(len(guids))
		for _, guid := range guids {
			c.reads.Pause(pause/2 + rand.N(pause+1)) //nolint:gosec // as above
			if ctx.Err() != nil {
				return
			}
			now := c.cache.opts.Now()
			if kept, _ := c.cache.get(guid, now, time.Time{}); kept != nil && kept.restored {
				c.renew(guid, kept, now)
				c.reads.Settle(ctx, guid)
			}
		}
	}
}

// stillRestored returns the GUIDs whose credential is still that of an earlier process.
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
