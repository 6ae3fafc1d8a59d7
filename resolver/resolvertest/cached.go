package resolvertest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// Cached is a resolver with a cache, on stores of its own, in a synctest bubble.
type Cached struct {
	*Stores
	*cache.Handler

	T     *testing.T
	Cache *cache.Cache
	Opts  cache.Options
	Known *resolver.Known

	mu       sync.Mutex
	read     time.Time // when the clock was last read
	readings int       // since then
}

// TestCached runs a test on a cache. change may change the default options; it may be nil.
func TestCached(t *testing.T, change func(*cache.Options), test func(c *Cached)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &Cached{Stores: New(t), T: t, Known: resolver.NewKnown()}
		o := cache.DefaultOptions()
		o.Now = c.now
		if change != nil {
			change(&o)
		}
		c.Cache, c.Opts = cache.New(o), o
		c.Reopen()
		defer func() { c.Close() }()
		test(c)
	})
}

// maxReadings is how often a test may read the clock at one moment.
const maxReadings = 2_000_000

// now is the clock of the cache. Time passes in a bubble only while all goroutines wait, so a
// test would hang in an endless loop. now ends such a test: it fails, and the handler is
// closed.
func (c *Cached) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !now.Equal(c.read) {
		c.read, c.readings = now, 0
	}
	if c.readings++; c.readings == maxReadings {
		c.T.Error("an endless loop reads the clock")
		go c.Close()
	}
	return now
}

// Over returns another resolver behind the same cache, on other stores.
func (c *Cached) Over(stores *Stores) *cache.Handler {
	opts := stores.Options()
	opts.Cache, opts.Known = c.Opts, c.Known
	return c.Cache.Over(resolver.New(opts), resolver.DefaultTimeout)
}

// Reopen replaces the resolver behind the cache, as after an idle time.
func (c *Cached) Reopen() { c.Handler = c.Over(c.Stores) }

// Bundle stores an agent credential and its bundle.
func (c *Cached) Bundle(guid, secret string) {
	c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"of-`+guid+`","password":"pw"}`)
	c.Secrets.Put("of-"+guid, map[string]string{"pw": secret})
}

// Password resolves a credential and returns its password, or the kind of the error. A stale
// answer gets the suffix ", stale".
func (c *Cached) Password(guid string, ask cache.Ask) string {
	c.T.Helper()
	answer, err := c.Resolve(c.T.Context(), guid, ask)
	if err != nil {
		return credential.KindOf(err).Error()
	}
	v, _ := answer.Fields.Get("password")
	text, _ := v.Text()
	if answer.Stale != nil {
		text += ", stale"
	}
	return text
}

// Ask is like Password, with the zero [cache.Ask].
func (c *Cached) Ask(guid string) string { return c.Password(guid, cache.Ask{}) }

// Pass lets time pass, and then waits until all goroutines of the bubble are idle.
func (c *Cached) Pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// Reads returns the number of calls to the stores.
func (c *Cached) Reads() int { return len(c.Configs.Asked()) + len(c.Secrets.Asked()) }

// OnlyTheFirst returns a hook that runs another hook for the first call only.
func OnlyTheFirst(hook Hook) Hook {
	var called atomic.Bool
	return func(ctx context.Context) error {
		if called.CompareAndSwap(false, true) {
			return hook(ctx)
		}
		return nil
	}
}

// StoresFail makes all calls to the secret store fail with an error of this kind.
func StoresFail(c *Cached, kind credential.Kind) {
	c.Secrets.Before(Any, Fail(kind))
}
