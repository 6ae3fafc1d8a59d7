// Package cache keeps finished credentials and secrets in memory: how fresh an answer is,
// what is refreshed in the background, what is served stale while a store is down
// (stale-while-error), and which failures are kept (negative cache). DESIGN.md, sections 2
// and 3, gives its limits.
//
// It knows how to compare ages, and not how a credential is resolved: that is [Next]. It must
// know no store, no config and no Dapr.
package cache

import (
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/semaphore"

	"credential-resolver/resolver/credential"
)

// LastGoodAge is the maximum age of an answer to [Ask.LastGood] while a store is down or
// slow.
const LastGoodAge = time.Hour

// expirySlack is how much longer than its lifetime an entry stays in memory.
const expirySlack = time.Second

// Cache keeps finished credentials, and failures that a retry does not fix (negative cache).
// It may outlive the resolver behind it. It is safe for concurrent use.
type Cache struct {
	opts     Options
	writing  sync.Mutex // held during writes, so that the latest read wins
	entries  *otter.Cache[string, *item]
	failures *lru.Cache[string, result] // separate, so that failures evict no credentials

	restored   []string            // GUIDs from Restore that may still need a refresh
	refreshing *semaphore.Weighted // held by the one handler that refreshes them
}

// result is what a read of a credential returned: the credential, or a failure.
type result struct {
	credential *credential.Credential
	err        error
	began      time.Time
}

// at returns when the read of the oldest part began; for a failure, when its read began.
func (r result) at() time.Time {
	if r.credential != nil {
		return r.credential.ReadAt
	}
	return r.began
}

// New returns an empty cache.
func New(o Options) *Cache {
	o = o.WithDefaults()
	scale := o.scale()
	failures, err := lru.New[string, result](o.MaxEntries)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Cache{
		opts:       o,
		refreshing: semaphore.NewWeighted(1),
		entries: otter.Must(&otter.Options[string, *item]{
			Clock:         o.clock,
			MaximumWeight: scale.maxWeight,
			Weigher: func(_ string, e *item) uint32 {
				return scale.weigh(e.size)
			},
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *item]) time.Duration {
				return o.lifetime(e.Value.lastGood.Load())
			}),
		}),
		failures: failures,
	}
}

// Close ends the goroutines that remove expired entries. The cache stays usable, and then
// removes them when it is used.
func (c *Cache) Close() { c.entries.StopAllGoroutines() }

// Len returns the number of credentials in the cache.
func (c *Cache) Len() int {
	c.entries.CleanUp()
	return c.entries.EstimatedSize()
}

// Usage returns the number of credentials in the cache, and their estimated size in bytes. It
// reads every entry.
func (c *Cache) Usage() (entries int, bytes int64) {
	for e := range c.entries.Values() {
		entries++
		bytes += int64(e.size)
	}
	return entries, bytes
}

// staleness returns the maximum age of a stale answer.
func (o Options) staleness(lastGood bool) time.Duration {
	var allowed time.Duration
	if o.TTL > 0 {
		allowed = o.StaleIfError
	}
	if lastGood {
		allowed = max(allowed, LastGoodAge)
	}
	return allowed
}

// lifetime returns how long a credential stays in the cache.
func (o Options) lifetime(lastGood bool) time.Duration {
	longest := max(o.TTL, o.staleness(lastGood))
	return longest + min(expirySlack, forever-longest)
}

// get returns the entry of a GUID, if it was read at since or later. The entry is a
// credential of any age, or a failure.
func (c *Cache) get(guid string, now, since time.Time) (kept *item, failure result) {
	kept, ok := c.entries.GetIfPresent(guid)
	switch {
	case ok && kept.credential.ReadAt.Before(since):
		return nil, failure
	case ok:
		return kept, failure
	}
	failure, ok = c.failures.Get(guid)
	if !ok || failure.began.Before(since) || now.Sub(failure.began) >= c.opts.NegativeTTL {
		return nil, result{}
	}
	return nil, failure
}

// outdated tells whether the entry of a GUID comes from a later read than began.
func (c *Cache) outdated(guid string, began time.Time) bool {
	kept, ok := c.entries.GetIfPresent(guid)
	failure, _ := c.failures.Peek(guid)
	return ok && kept.began.After(began) || failure.began.After(began)
}

// keep stores the result of a read, unless a later read has been stored already.
func (c *Cache) keep(guid string, got result) {
	c.writing.Lock()
	defer c.writing.Unlock()
	before, _ := c.entries.GetIfPresent(guid)
	switch {
	case c.outdated(guid, got.began):
	case got.err == nil:
		if c.opts.TTL > 0 || before != nil && before.lastGood.Load() {
			c.set(guid, got, before)
		}
	case credential.IsOutage(got.err):
		if before != nil {
			before.failed(c.opts.Now(), got.err, c.opts.TTL)
			before.outage.Store(outageOf(guid, got.err))
		}
	default:
		c.entries.Invalidate(guid)
		c.unsave(guid)
		if c.opts.TTL > 0 && c.opts.NegativeTTL > 0 && credential.KindOf(got.err) != credential.Internal {
			c.failures.Add(guid, result{err: shortened(got.err), began: got.began})
		}
	}
}

// maxKeptText is the maximum length of the log detail of a cached failure, in bytes.
const maxKeptText = 4 << 10

// shortened returns the failure, without its log detail if that is long. A config may refer
// to a name of any length, and a store may repeat it.
func shortened(err error) error {
	var e *credential.Error
	if !errors.As(err, &e) || len(e.Reference) <= maxKeptText && len(e.Detail()) <= maxKeptText {
		return err
	}
	short := *e
	short.Reference, short.Cause = "", nil
	return &short
}

// set replaces the entry of a GUID. The caller holds c.writing.
func (c *Cache) set(guid string, got result, before *item) {
	e := &item{credential: got.credential, began: got.began, size: weightOf(guid, got.credential)}
	e.lastGood.Store(before != nil && before.lastGood.Load())
	e.scheduleRefresh(c.opts.TTL, before)
	c.entries.Set(guid, e)
	c.failures.Remove(guid)
	c.save(guid, e)
}

// keepLastGood marks a credential that was just answered, so that it stays for
// [Ask.LastGood].
func (c *Cache) keepLastGood(guid string, got result) {
	c.writing.Lock()
	defer c.writing.Unlock()
	kept, ok := c.entries.GetIfPresent(guid)
	if !ok && !c.outdated(guid, got.began) {
		c.set(guid, got, nil)
		kept, ok = c.entries.GetIfPresent(guid)
	}
	if ok && !kept.lastGood.Swap(true) {
		c.entries.SetExpiresAfter(guid, max(1, c.opts.lifetime(true)-c.opts.Now().Sub(kept.began)))
		c.save(guid, kept)
	}
}

// errChanges is the failure of a consistent read: the credential changed during each attempt
// (consistentReads).
var errChanges = errors.New("it changes while it is being read")

// outageOf returns the failure as an [*credential.Error] if a stale answer may replace it;
// else nil.
func outageOf(guid string, err error) *credential.Error {
	var failure *credential.Error
	if credential.IsOutage(err) && errors.As(asError(guid, err), &failure) {
		return failure
	}
	return nil
}
