package resolver_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// cached is a resolver with a cache, on stores of the test's own, in a bubble of time.
type cached struct {
	*resolvertest.Stores
	*resolver.Cached

	t     *testing.T
	cache *resolver.Cache
	opts  resolver.CacheOptions
	known *resolver.Known
}

// testCached runs a test on a cache with the defaults, changed.
func testCached(t *testing.T, change func(*resolver.CacheOptions), test func(c *cached)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := resolver.DefaultCacheOptions()
		o.Now = time.Now // the bubble's
		if change != nil {
			change(&o)
		}
		c := &cached{Stores: resolvertest.New(t), t: t, cache: resolver.NewCache(o), opts: o, known: resolver.NewKnown()}
		c.reopen()
		defer func() { c.Close() }()
		test(c)
	})
}

// over returns another resolver before the cache, on stores of its own.
func (c *cached) over(stores *resolvertest.Stores) *resolver.Cached {
	opts := stores.Options()
	opts.Cache, opts.Known = c.opts, c.known
	return c.cache.Over(resolver.New(opts))
}

// reopen puts a new resolver before the cache, as after an idle time.
func (c *cached) reopen() { c.Cached = c.over(c.Stores) }

// bundle stores an agent credential, and its secret.
func (c *cached) bundle(guid, secret string) {
	c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"of-`+guid+`","password":"pw"}`)
	c.Secrets.Put("of-"+guid, map[string]string{"pw": secret})
}

// password asks for a credential and returns its password, or what failed.
func (c *cached) password(guid string, ask resolver.Ask) string {
	c.t.Helper()
	answer, err := c.Resolve(c.t.Context(), guid, ask)
	if err != nil {
		return resolver.KindOf(err).Error()
	}
	v, _ := answer.Fields.Get("password")
	text, _ := v.Text()
	if answer.Stale != nil {
		text += ", stale"
	}
	return text
}

func (c *cached) ask(guid string) string { return c.password(guid, resolver.Ask{}) }

// pass lets time pass, and what runs beside come to its end.
func (c *cached) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// reads returns how often the stores have been read.
func (c *cached) reads() int { return len(c.Configs.Asked()) + len(c.Secrets.Asked()) }

func TestAHitAsksNoStore(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		for range 3 {
			require.Equal(c.t, "one", c.ask("g"))
		}
		require.Equal(c.t, 2, c.reads())
	})
}

func TestAnAnswerIsNotOlderThanTheTTL(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.bundle("g", "two")
		c.pass(time.Minute - 1)
		require.Equal(c.t, "one", c.ask("g"))
		synctest.Wait()
		c.bundle("h", "one")
		require.Equal(c.t, "one", c.ask("h"))
		c.bundle("h", "two")
		c.pass(time.Minute)
		require.Equal(c.t, "two", c.ask("h"))
	})
}

func TestACredentialInUseIsNotWaitedFor(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.bundle("g", "two")
		c.pass(time.Minute * 3 / 4) // not before
		before := c.reads()
		c.pass(time.Minute * 15 / 100)
		gate := c.Configs.Hold()
		for range 3 {
			require.Equal(c.t, "one", c.ask("g"), "at once, though the store does not answer")
		}
		close(gate)
		synctest.Wait()
		require.Equal(c.t, 2, c.reads()-before, "one reading")
		require.Equal(c.t, "two", c.ask("g"))
		require.Equal(c.t, 2, c.reads()-before)
	})
}

func TestManyWhoAskAtOnceShareOneReading(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		gate := c.Secrets.Hold()
		var group sync.WaitGroup
		for range 10_000 {
			group.Go(func() { assert.Equal(c.t, "one", c.ask("g")) })
		}
		synctest.Wait()
		close(gate)
		group.Wait()
		require.Equal(c.t, 2, c.reads())
	})
}

func TestManyCredentialsOnOneBundleReadItOnce(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.Secrets.Put("shared", map[string]string{"pw": "one"})
		var group sync.WaitGroup
		for i := range 1000 {
			guid := fmt.Sprint("g", i)
			c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`)
			group.Go(func() { assert.Equal(c.t, "one", c.ask(guid)) })
		}
		group.Wait()
		require.Len(c.t, c.Secrets.Asked(), 1)

		// A secret that is old makes no new credential.
		c.Configs.Put("late", `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`)
		c.pass(29 * time.Second)
		require.Equal(c.t, "one", c.ask("late"))
		c.Secrets.Put("shared", map[string]string{"pw": "two"})
		require.Len(c.t, c.Secrets.Asked(), 1)
		c.pass(31 * time.Second)
		require.Equal(c.t, "two", c.ask("late"), "its age is that of the secret")
		require.Len(c.t, c.Secrets.Asked(), 2)
	})
}

func TestWhatIsAskedForFreshIsReadAfterwards(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		fresh := func() string { return c.password("g", resolver.Ask{Fresh: true}) }
		require.Equal(c.t, "one", c.ask("g"))
		c.bundle("g", "two")
		c.pass(1)
		require.Equal(c.t, "two", fresh())
		require.Equal(c.t, "two", c.ask("g"), "which renews what is kept")

		// It does not share a reading that began before, and those who wait share one.
		c.Secrets.Before(resolvertest.Any, func(context.Context) error { <-time.After(1); return nil })
		gate := c.Configs.Hold()
		c.pass(time.Second)
		first := make(chan string, 1)
		go func() { first <- fresh() }()
		c.pass(1)
		before := len(c.Configs.Asked())
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { assert.Equal(c.t, "three", fresh()) })
		}
		synctest.Wait()
		gate <- struct{}{}
		require.Equal(c.t, "two", <-first)
		synctest.Wait()
		c.bundle("g", "three")
		gate <- struct{}{}
		group.Wait()
		require.Equal(c.t, 1, len(c.Configs.Asked())-before)
	})
}

// A reading that had not found it yet is none that began after the request.
func TestWhatIsAskedForFreshIsNoFailureOfBefore(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		goOn := make(chan struct{})
		c.Configs.Before("g", onlyTheFirst(func(context.Context) error {
			<-goOn
			return missing()
		}))
		go c.ask("g")
		c.pass(time.Second)
		c.bundle("g", "one")
		answer := make(chan string, 1)
		go func() { answer <- c.password("g", resolver.Ask{Fresh: true}) }()
		c.pass(time.Second)
		close(goOn)
		require.Equal(c.t, "one", <-answer)
	})
}

func TestWhatIsReadLaterStays(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		slow := resolvertest.New(c.t)
		slow.Configs.Put("g", `{"a":"1"}`)
		gate := slow.Configs.Hold()
		other := c.over(slow)
		defer other.Close()
		go func() { _, _ = other.Resolve(c.t.Context(), "g", resolver.Ask{}) }()
		c.pass(time.Second)
		require.Equal(c.t, resolver.NotFound.Error(), c.password("g", resolver.Ask{Fresh: true}), "it was deleted meanwhile")
		close(gate)
		synctest.Wait()
		require.Equal(c.t, resolver.NotFound.Error(), c.ask("g"))
	})
}

// A resolution's own time, and a second where it waits for another's.
func TestARequestHasItsTime(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		c.Secrets.Before(resolvertest.Any, resolvertest.Block())
		go c.ask("g")
		c.pass(time.Second)
		began := time.Now()
		require.Equal(c.t, resolver.Timeout.Error(), c.password("g", resolver.Ask{Fresh: true}), "it waits for another")
		require.LessOrEqual(c.t, time.Since(began), resolver.DefaultTimeout+time.Second)
	})
	testCached(t, func(o *resolver.CacheOptions) { o.Consistent = true }, func(c *cached) {
		c.bundle("g", "one")
		c.Secrets.Before(resolvertest.Any, func(ctx context.Context) error {
			select {
			case <-time.After(9 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		began := time.Now()
		require.Equal(c.t, resolver.Timeout.Error(), c.ask("g"), "of two readings")
		require.LessOrEqual(c.t, time.Since(began), resolver.DefaultTimeout)
	})
}

func TestAFailureThatNoStoreIsToBlameForIsKeptForAWhile(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		require.Equal(c.t, resolver.NotFound.Error(), c.ask("g"))
		c.bundle("g", "one")
		c.pass(5*time.Second - 1)
		require.Equal(c.t, resolver.NotFound.Error(), c.ask("g"))
		require.Equal(c.t, 1, c.reads())
		c.pass(1)
		require.Equal(c.t, "one", c.ask("g"))

		c.Configs.Before("h", resolvertest.Fail(resolver.Unavailable))
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("h"))
		c.Configs.Before("h", nil)
		c.bundle("h", "two")
		require.Equal(c.t, "two", c.ask("h"), "that a store is down is not")
		require.Equal(c.t, resolver.InvalidRequest.Error(), c.ask("a b"))
	})
}

func TestTheCacheIsBounded(t *testing.T) {
	fill := func(c *cached) {
		for i := range 100 {
			guid := fmt.Sprint("g", i)
			c.bundle(guid, "one")
			require.Equal(c.t, "one", c.ask(guid))
		}
	}
	for _, entries := range []int{1, 2, 3, 10, 99} {
		for _, bytes := range []int64{resolver.DefaultCacheMaxBytes, 1 << 40} {
			testCached(t, func(o *resolver.CacheOptions) { o.MaxEntries, o.MaxBytes = entries, bytes }, func(c *cached) {
				fill(c)
				require.Equal(c.t, entries, c.cache.Len(), bytes)
			})
		}
	}
	testCached(t, func(o *resolver.CacheOptions) { o.MaxBytes = 20_000 }, func(c *cached) {
		fill(c)
		require.LessOrEqual(c.t, c.cache.Len(), 10)
		require.Positive(c.t, c.cache.Len())
	})
}

// Who asks for what there is not takes nothing from the others.
func TestMissesPushOutNoCredentials(t *testing.T) {
	testCached(t, func(o *resolver.CacheOptions) { o.MaxEntries = 100 }, func(c *cached) {
		for i := range 50 {
			c.bundle(fmt.Sprint("g", i), "one")
			require.Equal(c.t, "one", c.ask(fmt.Sprint("g", i)))
		}
		for i := range 10_000 {
			require.Equal(c.t, resolver.NotFound.Error(), c.ask(fmt.Sprint("none", i)))
		}
		before := c.reads()
		for i := range 50 {
			require.Equal(c.t, "one", c.ask(fmt.Sprint("g", i)))
		}
		require.Equal(c.t, before, c.reads())
	})
}

func TestWithoutATTLNothingIsKept(t *testing.T) {
	testCached(t, func(o *resolver.CacheOptions) { o.TTL = 0 }, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.bundle("g", "two")
		require.Equal(c.t, "two", c.ask("g"))
		require.Equal(c.t, resolver.NotFound.Error(), c.ask("h"))
		c.bundle("h", "three")
		require.Equal(c.t, "three", c.ask("h"))
		require.Zero(c.t, c.cache.Len())
		c.Secrets.Before(resolvertest.Any, resolvertest.Fail(resolver.Unavailable))
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
	})
}

func TestClosingEndsWhatIsUnderWay(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		c.Secrets.Before(resolvertest.Any, resolvertest.Block())
		failed := make(chan string, 1)
		go func() { failed <- c.ask("g") }()
		synctest.Wait()
		c.Close()
		require.Equal(c.t, resolver.Unavailable.Error(), <-failed)
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
	})
}

func TestAPanicInAStoreIsTheFailureOfWhoAsks(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		c.Secrets.Before(resolvertest.Any, resolvertest.Panic("canary"))
		require.Equal(c.t, resolver.Internal.Error(), c.ask("g"))
		c.Secrets.Before(resolvertest.Any, nil)
		require.Equal(c.t, "one", c.ask("g"), "which is not kept")
	})
}
