package cache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestAHitAsksNoStore(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		for range 3 {
			require.Equal(c.T, "one", c.Ask("g"))
		}
		require.Equal(c.T, 2, c.Reads())
	})
}

func TestAnAnswerIsNotOlderThanTheTTL(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Bundle("g", "two")
		c.Pass(time.Minute - 1)
		require.Equal(c.T, "one", c.Ask("g"))
		synctest.Wait()
		c.Bundle("h", "one")
		require.Equal(c.T, "one", c.Ask("h"))
		c.Bundle("h", "two")
		c.Pass(time.Minute)
		require.Equal(c.T, "two", c.Ask("h"))
	})
}

func TestCredentialInUseIsRefreshedInTheBackground(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Bundle("g", "two")
		c.Pass(time.Minute * 3 / 4) // too early for a refresh
		before := c.Reads()
		c.Pass(time.Minute * 15 / 100)
		gate := c.Configs.Hold()
		for range 3 {
			require.Equal(c.T, "one", c.Ask("g"), "the request must not wait for the store")
		}
		close(gate)
		synctest.Wait()
		require.Equal(c.T, 2, c.Reads()-before, "one read: a config and a secret")
		require.Equal(c.T, "two", c.Ask("g"))
		require.Equal(c.T, 2, c.Reads()-before)
	})
}

func TestConcurrentRequestsShareOneRead(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		gate := c.Secrets.Hold()
		var group sync.WaitGroup
		for range 10_000 {
			group.Go(func() { assert.Equal(c.T, "one", c.Ask("g")) })
		}
		synctest.Wait()
		close(gate)
		group.Wait()
		require.Equal(c.T, 2, c.Reads())
	})
}

func TestCredentialsWithOneBundleReadItOnce(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Secrets.Put("shared", map[string]string{"pw": "one"})
		var group sync.WaitGroup
		for i := range 1000 {
			guid := fmt.Sprint("g", i)
			c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`)
			group.Go(func() { assert.Equal(c.T, "one", c.Ask(guid)) })
		}
		group.Wait()
		require.Len(c.T, c.Secrets.Asked(), 1)

		// A cached secret makes the credential as old as itself.
		c.Configs.Put("late", `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`)
		c.Pass(29 * time.Second)
		require.Equal(c.T, "one", c.Ask("late"))
		c.Secrets.Put("shared", map[string]string{"pw": "two"})
		require.Len(c.T, c.Secrets.Asked(), 1)
		c.Pass(31 * time.Second)
		require.Equal(c.T, "two", c.Ask("late"), "the credential is as old as its secret")
		require.Len(c.T, c.Secrets.Asked(), 2)
	})
}

func TestFreshRequestReadsAfterItBegan(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		fresh := func() string { return c.Password("g", cache.Ask{Fresh: true}) }
		require.Equal(c.T, "one", c.Ask("g"))
		c.Bundle("g", "two")
		c.Pass(1)
		require.Equal(c.T, "two", fresh())
		require.Equal(c.T, "two", c.Ask("g"), "a fresh read updates the cache")

		// A fresh request does not share a read that began earlier. All waiting requests share
		// one new read.
		c.Secrets.Before(resolvertest.Any, func(context.Context) error { <-time.After(1); return nil })
		gate := c.Configs.Hold()
		c.Pass(time.Second)
		first := make(chan string, 1)
		go func() { first <- fresh() }()
		c.Pass(1)
		before := len(c.Configs.Asked())
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { assert.Equal(c.T, "three", fresh()) })
		}
		synctest.Wait()
		gate <- struct{}{}
		require.Equal(c.T, "two", <-first)
		synctest.Wait()
		c.Bundle("g", "three")
		gate <- struct{}{}
		group.Wait()
		require.Equal(c.T, 1, len(c.Configs.Asked())-before)
	})
}

// A read that was running when the request arrived does not count as fresh, even if it reports
// NotFound.
func TestFreshRequestIgnoresCachedFailures(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		goOn := make(chan struct{})
		c.Configs.Before("g", resolvertest.OnlyTheFirst(func(context.Context) error {
			<-goOn
			return &credential.StoreError{Kind: credential.NotFound}
		}))
		go c.Ask("g")
		c.Pass(time.Second)
		c.Bundle("g", "one")
		answer := make(chan string, 1)
		go func() { answer <- c.Password("g", cache.Ask{Fresh: true}) }()
		c.Pass(time.Second)
		close(goOn)
		require.Equal(c.T, "one", <-answer)
	})
}

func TestLaterReadIsKept(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		slow := resolvertest.New(c.T)
		slow.Configs.Put("g", `{"a":"1"}`)
		gate := slow.Configs.Hold()
		other := c.Over(slow)
		defer other.Close()
		go func() { _, _ = other.Resolve(c.T.Context(), "g", cache.Ask{}) }()
		c.Pass(time.Second)
		require.Equal(c.T, credential.NotFound.Error(), c.Password("g", cache.Ask{Fresh: true}), "the credential was deleted before the read")
		close(gate)
		synctest.Wait()
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
	})
}

func TestEarlierFailureDoesNotReplaceALaterCredential(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		slow := resolvertest.New(c.T)
		gate := slow.Configs.Hold()
		other := c.Over(slow)
		defer other.Close()
		go func() { _, _ = other.Resolve(c.T.Context(), "g", cache.Ask{}) }()
		c.Pass(time.Second)
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"), "it was created meanwhile")
		close(gate)
		synctest.Wait()
		require.Equal(c.T, "one", c.Ask("g"))
	})
}

// A request has the timeout of one resolution, plus one second if it waits for another
// request's read.
func TestCachedRequestHasATimeout(t *testing.T) {
	for _, first := range []cache.Ask{{}, {Fresh: true}} {
		resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
			c.Bundle("g", "one")
			c.Secrets.Before(resolvertest.Any, resolvertest.Block())
			go c.Password("g", first)
			c.Pass(time.Second)
			began := time.Now()
			require.Equal(c.T, credential.Timeout.Error(), c.Password("g", cache.Ask{Fresh: true}), "it waits for a read of another request")
			require.LessOrEqual(c.T, time.Since(began), resolver.DefaultTimeout+time.Second)
		})
	}
	resolvertest.TestCached(t, func(o *cache.Options) { o.Consistent = true }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Secrets.Before(resolvertest.Any, func(ctx context.Context) error {
			select {
			case <-time.After(9 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		began := time.Now()
		require.Equal(c.T, credential.Timeout.Error(), c.Ask("g"), "after two reads")
		require.LessOrEqual(c.T, time.Since(began), resolver.DefaultTimeout)
	})
}

func TestPermanentErrorsAreCached(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
		c.Bundle("g", "one")
		c.Pass(5*time.Second - 1)
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
		require.Equal(c.T, 1, c.Reads())
		c.Pass(1)
		require.Equal(c.T, "one", c.Ask("g"))

		c.Configs.Before("h", resolvertest.Fail(credential.Unavailable))
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("h"))
		c.Configs.Before("h", nil)
		c.Bundle("h", "two")
		require.Equal(c.T, "two", c.Ask("h"), "an outage is not cached")
	})
}

// failureOf resolves a credential, which fails.
func failureOf(c *resolvertest.Cached, guid string) *credential.Error {
	c.T.Helper()
	_, err := c.Resolve(c.T.Context(), guid, cache.Ask{})
	var failure *credential.Error
	require.ErrorAs(c.T, err, &failure)
	return failure
}

// Many GUIDs may fail, and what a store says may be long.
func TestCachedFailureHasNoLongDetail(t *testing.T) {
	for name, row := range map[string]struct {
		path, words string
		kept        bool
	}{
		"short words": {"p", "403", true},
		"long words":  {"p", strings.Repeat("x", 5000), false},
		"a long name": {strings.Repeat("p", 5000), "403", false},
	} {
		t.Run(name, func(t *testing.T) {
			resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
				c.Configs.Put("g", `{"credentialSource":"agent","secret-path":"`+row.path+`"}`)
				c.Secrets.Before(resolvertest.Any, resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New(row.words)}))
				first := failureOf(c, "g")
				require.Equal(c.T, row.words, first.Detail())
				again := failureOf(c, "g")
				require.Equal(c.T, 2, c.Reads(), "it is cached")
				require.Equal(c.T, first.Error(), again.Error())
				require.Equal(c.T, row.kept, again.Detail() != "")
				require.Equal(c.T, row.kept, again.Reference != "")
			})
		})
	}
}

// It would come back as soon as the credential leaves the cache.
func TestCredentialThatIsFoundEndsTheCachedFailure(t *testing.T) {
	resolvertest.TestCached(t, func(o *cache.Options) { o.NegativeTTL, o.StaleIfError = time.Hour, 0 }, func(c *resolvertest.Cached) {
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
		c.Bundle("g", "one")
		c.Pass(1)
		require.Equal(c.T, "one", c.Password("g", cache.Ask{Fresh: true}))
		c.Pass(10 * time.Minute)
		require.Zero(c.T, c.Cache.Len())
		require.Equal(c.T, "one", c.Ask("g"))
	})
}

func TestCredentialIsCachedForATTLOverStaleIfError(t *testing.T) {
	resolvertest.TestCached(t, func(o *cache.Options) { o.TTL = 2 * time.Hour }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(80 * time.Minute)
		require.Equal(c.T, "one", c.Ask("g"))
		require.Equal(c.T, 2, c.Reads())
	})
}

func TestTheCacheIsBounded(t *testing.T) {
	fill := func(c *resolvertest.Cached) {
		for i := range 100 {
			guid := fmt.Sprint("g", i)
			c.Bundle(guid, "one")
			require.Equal(c.T, "one", c.Ask(guid))
		}
	}
	for _, entries := range []int{1, 2, 3, 10, 99} {
		for _, bytes := range []int64{cache.DefaultMaxBytes, 1 << 40} {
			resolvertest.TestCached(t, func(o *cache.Options) { o.MaxEntries, o.MaxBytes = entries, bytes }, func(c *resolvertest.Cached) {
				fill(c)
				require.Equal(c.T, entries, c.Cache.Len(), bytes)
			})
		}
	}
	resolvertest.TestCached(t, func(o *cache.Options) { o.MaxBytes = 20_000 }, func(c *resolvertest.Cached) {
		fill(c)
		require.LessOrEqual(c.T, c.Cache.Len(), 10)
		require.Positive(c.T, c.Cache.Len())
	})
}

// Requests for credentials that do not exist must not evict others.
func TestMissesEvictNoCredentials(t *testing.T) {
	resolvertest.TestCached(t, func(o *cache.Options) { o.MaxEntries = 100 }, func(c *resolvertest.Cached) {
		for i := range 50 {
			c.Bundle(fmt.Sprint("g", i), "one")
			require.Equal(c.T, "one", c.Ask(fmt.Sprint("g", i)))
		}
		for i := range 10_000 {
			require.Equal(c.T, credential.NotFound.Error(), c.Ask(fmt.Sprint("none", i)))
		}
		before := c.Reads()
		for i := range 50 {
			require.Equal(c.T, "one", c.Ask(fmt.Sprint("g", i)))
		}
		require.Equal(c.T, before, c.Reads())
	})
}

func TestZeroTTLCachesNothing(t *testing.T) {
	resolvertest.TestCached(t, func(o *cache.Options) { o.TTL = 0 }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Bundle("g", "two")
		require.Equal(c.T, "two", c.Ask("g"))
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("h"))
		c.Bundle("h", "three")
		require.Equal(c.T, "three", c.Ask("h"))
		require.Zero(c.T, c.Cache.Len())
		c.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
	})
}

func TestCloseEndsRunningReads(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Secrets.Before(resolvertest.Any, resolvertest.Block())
		failed := make(chan string, 1)
		go func() { failed <- c.Ask("g") }()
		synctest.Wait()
		c.Close()
		require.Equal(c.T, credential.Unavailable.Error(), <-failed)
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
	})
}

func TestPanicInAStoreFailsOnlyItsRequest(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Secrets.Before(resolvertest.Any, resolvertest.Panic("canary"))
		require.Equal(c.T, credential.Internal.Error(), c.Ask("g"))
		c.Secrets.Before(resolvertest.Any, nil)
		require.Equal(c.T, "one", c.Ask("g"), "a panic is not cached")
	})
}
