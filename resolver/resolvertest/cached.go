package resolvertest

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// cached is a resolver with a cache, on stores of the test's own, in a bubble of time.
type Cached struct {
	*Stores
	*cache.Handler

	T     *testing.T
	Cache *cache.Cache
	Opts  cache.Options
	Known *resolver.Known
}

// testCached runs a test on a cache with the defaults, changed.
func TestCached(t *testing.T, change func(*cache.Options), test func(c *Cached)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := cache.DefaultOptions()
		o.Now = time.Now // the bubble's
		if change != nil {
			change(&o)
		}
		c := &Cached{Stores: New(t), T: t, Cache: cache.New(o), Opts: o, Known: resolver.NewKnown()}
		c.Reopen()
		defer func() { c.Close() }()
		test(c)
	})
}

// over returns another resolver before the cache, on stores of its own.
func (c *Cached) Over(stores *Stores) *cache.Handler {
	opts := stores.Options()
	opts.Cache, opts.Known = c.Opts, c.Known
	return c.Cache.Over(resolver.New(opts), resolver.DefaultTimeout)
}

// reopen puts a new resolver before the cache, as after an idle time.
func (c *Cached) Reopen() { c.Handler = c.Over(c.Stores) }

// bundle stores an agent credential, and its secret.
func (c *Cached) Bundle(guid, secret string) {
	c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"of-`+guid+`","password":"pw"}`)
	c.Secrets.Put("of-"+guid, map[string]string{"pw": secret})
}

// password asks for a credential and returns its password, or what failed.
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

func (c *Cached) Ask(guid string) string { return c.Password(guid, cache.Ask{}) }

// pass lets time pass, and what runs beside come to its end.
func (c *Cached) Pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// reads returns how often the stores have been read.
func (c *Cached) Reads() int { return len(c.Configs.Asked()) + len(c.Secrets.Asked()) }

// onlyTheFirst is a hook for one call.
func OnlyTheFirst(hook Hook) Hook {
	var called atomic.Bool
	return func(ctx context.Context) error {
		if called.CompareAndSwap(false, true) {
			return hook(ctx)
		}
		return nil
	}
}

func StoresFail(c *Cached, kind credential.Kind) {
	c.Secrets.Before(Any, Fail(kind))
}
