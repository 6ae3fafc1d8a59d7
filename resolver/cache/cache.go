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

// LastGoodAge is how old the last good answer may be that is given to [Ask.LastGood]
// while a store is down or slow.
const LastGoodAge = time.Hour

// forgetful is how long something is kept after its last use was over.
const expirySlack = time.Second

// Cache keeps finished credentials, and failures that no store is to blame for. It
// may outlive the resolver that it stands before. It is safe for concurrent use.
type Cache struct {
	opts     Options
	writing  sync.Mutex // so that what is read later is what stays
	entries  *otter.Cache[string, *item]
	failures *lru.Cache[string, reading] // apart, so that misses push out no credentials

	restored   []string            // GUIDs of Restore that may not have been read since
	refreshing *semaphore.Weighted // held by the one goroutine that reads those
}

// reading is what a reading of a credential brought: it, or a failure.
type reading struct {
	credential *credential.Credential
	err        error
	began      time.Time
}

// at is when the oldest part of it was read, or when the reading that failed began.
func (r reading) at() time.Time {
	if r.credential != nil {
		return r.credential.ReadAt
	}
	return r.began
}

// NewCache returns an empty cache.
func New(o Options) *Cache {
	o = o.WithDefaults()
	scale := o.scale()
	failures, err := lru.New[string, reading](o.MaxEntries)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Cache{
		opts:       o,
		refreshing: semaphore.NewWeighted(1),
		entries: otter.Must(&otter.Options[string, *item]{
			Clock:         o.clock,
			MaximumWeight: scale.most,
			Weigher: func(guid string, e *item) uint32 {
				return scale.weigh(weightOf(guid, e.credential.Fields))
			},
			ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, *item]) time.Duration {
				return o.lifetime(e.Value.lastGood.Load())
			}),
		}),
		failures: failures,
	}
}

// Close ends what takes from memory in time what is too old. The cache goes on for who
// has it, and then does so as it is used.
func (c *Cache) Close() { c.entries.StopAllGoroutines() }

// Len returns how many credentials are kept.
func (c *Cache) Len() int {
	c.entries.CleanUp()
	return c.entries.EstimatedSize()
}

// staleness is how old the last good answer may be.
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

// lifetime is how long a credential is kept.
func (o Options) lifetime(lastGood bool) time.Duration {
	longest := max(o.TTL, o.staleness(lastGood))
	return longest + min(expirySlack, forever-longest)
}

// get returns what is kept of a GUID and was read at since or later: a credential,
// however old, else a failure that has an error.
func (c *Cache) get(guid string, now, since time.Time) (kept *item, failure reading) {
	kept, ok := c.entries.GetIfPresent(guid)
	switch {
	case ok && kept.credential.ReadAt.Before(since):
		return nil, failure
	case ok:
		return kept, failure
	}
	failure, ok = c.failures.Get(guid)
	if !ok || failure.began.Before(since) || now.Sub(failure.began) >= c.opts.NegativeTTL {
		return nil, reading{}
	}
	return nil, failure
}

// outdated tells whether a reading began before that of what is kept.
func (c *Cache) outdated(guid string, began time.Time) bool {
	kept, ok := c.entries.GetIfPresent(guid)
	failure, _ := c.failures.Peek(guid)
	return ok && kept.began.After(began) || failure.began.After(began)
}

// keep takes what a reading brought, unless what is kept was read later.
func (c *Cache) keep(guid string, got reading) {
	c.writing.Lock()
	defer c.writing.Unlock()
	before, _ := c.entries.GetIfPresent(guid)
	switch {
	case c.outdated(guid, got.began):
	case got.err == nil:
		if c.opts.TTL > 0 || before != nil && before.lastGood.Load() {
			c.set(guid, got, before)
		}
	case credential.KindOf(got.err).Retryable():
		if before != nil {
			before.failed(c.opts.Now(), c.opts.longestRetry(got.err))
			before.outage.Store(outageOf(guid, got.err))
		}
	default:
		c.entries.Invalidate(guid)
		c.unsave(guid)
		if c.opts.TTL > 0 && c.opts.NegativeTTL > 0 && credential.KindOf(got.err) != credential.Internal {
			c.failures.Add(guid, reading{err: shortened(got.err), began: got.began})
		}
	}
}

// maxKeptText is how long what a kept failure has for the log may be, in bytes.
const maxKeptText = 4 << 10

// shortened returns a failure without what it has for the log, if that is long: a config
// may refer to a name of any length, and a store may answer with one.
func shortened(err error) error {
	var e *credential.Error
	if !errors.As(err, &e) || len(e.Reference) <= maxKeptText && len(e.Detail()) <= maxKeptText {
		return err
	}
	short := *e
	short.Reference, short.Cause = "", nil
	return &short
}

func (c *Cache) set(guid string, got reading, before *item) {
	e := &item{credential: got.credential, began: got.began}
	e.lastGood.Store(before != nil && before.lastGood.Load())
	e.renewIn(c.opts.TTL, before)
	c.entries.Set(guid, e)
	c.failures.Remove(guid)
	c.save(guid, e)
}

// keepLastGood has a credential, which was just answered, kept for LastGood.
func (c *Cache) keepLastGood(guid string, got reading) {
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

// errChanges is the failure of a consistent reading: the credential changed in each try
// (consistentReads).
var errChanges = errors.New("it changes while it is being read")

// longestRetry returns the upper bound of the time to the next try, after a failure. The
// stores of a credential that changes are up, so it is tried again as soon as possible.
func (o Options) longestRetry(failure error) time.Duration {
	if errors.Is(failure, errChanges) {
		return 0
	}
	return o.TTL
}

// outageOf returns a failure if the last good answer stands in for it; else nil.
func outageOf(guid string, err error) *credential.Error {
	var failure *credential.Error
	if isDown(err) && errors.As(asError(guid, err), &failure) {
		return failure
	}
	return nil
}

// isDown tells whether the last good answer stands in for a failure: a store is down or
// slow, or the credential changes while it is being read.
func isDown(err error) bool { return credential.KindOf(err).Retryable() }
