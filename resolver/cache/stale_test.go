package cache_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestStaleAnswerWhileAStoreIsDown(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		answer, err := c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.ErrorIs(c.T, answer.Stale, credential.Unavailable)
		require.True(c.T, answer.BecameStale)
		answer, err = c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.False(c.T, answer.BecameStale)

		// From now on, no request waits for the store that does not answer.
		gate := c.Secrets.Hold()
		for _, pause := range []time.Duration{2 * time.Second, 0, 8 * time.Second} {
			c.Pass(pause)
			began := time.Now()
			require.Equal(c.T, "one, stale", c.Ask("g"))
			require.Zero(c.T, time.Since(began))
		}
		close(gate)
		synctest.Wait()
		before := c.Reads()
		for range 10 {
			require.Equal(c.T, "one, stale", c.Ask("g"))
		}
		require.Equal(c.T, before, c.Reads(), "a request must not cause a read each time")

		c.Secrets.Before(resolvertest.Any, nil)
		c.Bundle("g", "two")
		c.Pass(8 * time.Second)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		synctest.Wait()
		require.Equal(c.T, "two", c.Ask("g"))
	})
}

func TestStaleAnswerEndsAfterStaleIfError(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Timeout)
		c.Pass(time.Hour)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		c.Pass(1)
		require.Equal(c.T, credential.Timeout.Error(), c.Ask("g"))
	})
	resolvertest.TestCached(t, func(o *cache.Options) { o.StaleIfError = 0 }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
		require.Equal(c.T, "one, stale", c.Password("g", cache.Ask{LastGood: true}))
	})
}

// closeDuringRefresh closes the resolver while it refreshes the credential "g", whose password
// is "one", and opens another one.
func closeDuringRefresh(c *resolvertest.Cached) {
	c.T.Helper()
	c.Secrets.Before(resolvertest.Any, resolvertest.Block())
	c.Pass(55 * time.Second)
	require.Equal(c.T, "one", c.Ask("g"), "it is refreshed in the background")
	synctest.Wait()
	c.Close()
	c.Reopen()
}

// A failure some time ago does not mean that the store is down now.
func TestNoStaleAnswerAfterRecovery(t *testing.T) {
	for name, fail := range map[string]func(c *resolvertest.Cached){
		"a renewal": func(c *resolvertest.Cached) {
			c.Pass(55 * time.Second)
			require.Equal(c.T, "one", c.Ask("g"))
		},
		"a refresh": func(c *resolvertest.Cached) {
			c.Pass(1)
			require.Equal(c.T, credential.Unavailable.Error(), c.Password("g", cache.Ask{Fresh: true}))
		},
		"a refresh cancelled by Close": closeDuringRefresh,
	} {
		t.Run(name, func(t *testing.T) {
			resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
				c.Bundle("g", "one")
				require.Equal(c.T, "one", c.Ask("g"))
				resolvertest.StoresFail(c, credential.Unavailable)
				fail(c)
				synctest.Wait()
				c.Secrets.Before(resolvertest.Any, nil)
				c.Bundle("g", "two")
				c.Pass(50 * time.Minute)
				require.Equal(c.T, "two", c.Ask("g"))
			})
		})
	}
}

func TestARefreshThatCloseEndsIsNoFailureOfAStore(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		closeDuringRefresh(c)
		c.Secrets.Before(resolvertest.Any, nil)
		c.Bundle("g", "two")
		c.Pass(5 * time.Second)
		require.Equal(c.T, "two", c.Ask("g"))
	})
}

// A refusal of our own login says nothing about the secret. A refusal of the secret does.
func TestLapsedAccessServesTheLastGoodCredential(t *testing.T) {
	refuse := func(lapsed bool) func(context.Context) error {
		return func(context.Context) error {
			return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: lapsed}
		}
	}
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Bundle("other", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Secrets.Before(resolvertest.Any, refuse(true))
		c.Pass(time.Minute)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		c.Pass(30 * time.Minute)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		require.Equal(c.T, credential.Denied.Error(), c.Ask("other"), "there is no last good one")

		c.Secrets.Before(resolvertest.Any, refuse(false))
		c.Pass(time.Minute)
		require.Equal(c.T, credential.Denied.Error(), c.Ask("g"))
		c.Secrets.Before(resolvertest.Any, refuse(true))
		c.Pass(time.Minute)
		require.Equal(c.T, credential.Denied.Error(), c.Ask("g"), "the refusal has removed it")
	})
}

// No request has tried for a while, so the next one does.
func TestFailureCountsForFiveSecondsAfterTheBackoff(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		c.Secrets.Before(resolvertest.Any, nil)
		c.Bundle("g", "two")
		c.Pass(7 * time.Second) // the backoff is 2 s at most
		require.Equal(c.T, "two", c.Ask("g"))
	})
}

// Here the caller's context ended. The store is not down.
func TestCancelledCallerGetsNoStaleAnswer(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(2 * time.Minute)
		c.Secrets.Before(resolvertest.Any, func(context.Context) error { <-time.After(time.Second); return nil })
		ctx, cancel := context.WithTimeout(c.T.Context(), time.Millisecond)
		defer cancel()
		_, err := c.Resolve(ctx, "g", cache.Ask{})
		require.ErrorIs(c.T, err, credential.Timeout)
		cancel()
		_, err = c.Resolve(ctx, "g", cache.Ask{})
		require.Error(c.T, err)
		c.Pass(time.Second)
		require.Equal(c.T, "one", c.Ask("g"), "the read must have continued")
	})
}

// rotating makes each read of a credential find a new password, until stop is called.
func rotating(c *resolvertest.Cached, guid string) (stop func()) {
	n := 0
	c.Secrets.Before("of-"+guid, func(context.Context) error {
		<-time.After(1)
		n++
		c.Secrets.Put("of-"+guid, map[string]string{"pw": fmt.Sprint("rotated ", n)})
		return nil
	})
	return func() { c.Secrets.Before("of-"+guid, nil) }
}

// testConsistent runs a test with consistentReads. The last good password of its credential is
// "one", and now each read finds a different one.
func testConsistent(t *testing.T, change func(*cache.Options), test func(c *resolvertest.Cached, stop func())) {
	t.Helper()
	resolvertest.TestCached(t, func(o *cache.Options) {
		o.Consistent = true
		if change != nil {
			change(o)
		}
	}, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		test(c, rotating(c, "g"))
	})
}

func TestChangingCredentialServesLastConsistent(t *testing.T) {
	testConsistent(t, nil, func(c *resolvertest.Cached, stop func()) {
		c.Pass(time.Minute)
		answer, err := c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.True(c.T, answer.BecameStale)
		var why *credential.Error
		require.ErrorAs(c.T, answer.Stale, &why)
		require.Equal(c.T, `credential "g": it changes while it is being read`, why.Error())
		require.Empty(c.T, why.Store, "no store is to blame")
		for range 100 {
			require.Equal(c.T, "one, stale", c.Ask("g"))
		}
		stop()
		c.Bundle("g", "two")
		c.Pass(2 * time.Second)
		require.Equal(c.T, "one, stale", c.Ask("g"), "the read must run in the background")
		synctest.Wait()
		require.Equal(c.T, "two", c.Ask("g"))
	})
}

// The stores are up and the rotation may end soon, so retries do not back off.
func TestChangingCredentialIsRetriedEverySecondOrTwo(t *testing.T) {
	testConsistent(t, nil, func(c *resolvertest.Cached, _ func()) {
		c.Pass(time.Minute)
		attempts, until := []time.Time{}, time.Now().Add(5*time.Minute)
		for before := c.Reads(); time.Now().Before(until); c.Pass(100 * time.Millisecond) {
			require.Equal(c.T, "one, stale", c.Ask("g"))
			c.Pass(time.Microsecond) // the duration of a read
			if c.Reads() > before {
				attempts, before = append(attempts, time.Now()), c.Reads()
			}
		}
		for i := range len(attempts) - 1 {
			pause := attempts[i+1].Sub(attempts[i])
			require.GreaterOrEqual(c.T, pause, time.Second, i)
			require.LessOrEqual(c.T, pause, 2*time.Second+200*time.Millisecond, i)
		}
		require.GreaterOrEqual(c.T, len(attempts), 130)
	})
}

// Or the backoff of a store that fails once in a rotation would be as long as after an outage.
func TestChangingCredentialIsNoStoreFailureToTheBackoff(t *testing.T) {
	testConsistent(t, nil, func(c *resolvertest.Cached, stop func()) {
		c.Pass(time.Minute)
		for range 10 {
			require.Equal(c.T, "one, stale", c.Ask("g"))
			c.Pass(2 * time.Second)
		}
		stop()
		resolvertest.StoresFail(c, credential.Unavailable)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		c.Pass(time.Microsecond)
		c.Secrets.Before(resolvertest.Any, nil)
		c.Bundle("g", "two")
		c.Pass(2 * time.Second)
		require.Equal(c.T, "one, stale", c.Ask("g"), "it is read in the background")
		synctest.Wait()
		require.Equal(c.T, "two", c.Ask("g"))
	})
}

func TestConsistentCredentialIsAsOldAsItsFirstRead(t *testing.T) {
	resolvertest.TestCached(t, func(o *cache.Options) { o.Consistent = true }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Configs.Before("g", func(context.Context) error { <-time.After(time.Second); return nil })
		began := time.Now()
		answer, err := c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.Equal(c.T, 2*time.Second, time.Since(began), "it is read twice")
		require.Equal(c.T, began, answer.ReadAt)
	})
}

func TestLastConsistentAnswerEndsAfterStaleIfError(t *testing.T) {
	unavailable := credential.Unavailable.Error()
	testConsistent(t, nil, func(c *resolvertest.Cached, _ func()) {
		c.Pass(cache.DefaultStaleIfError)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		c.Pass(1)
		require.Equal(c.T, unavailable, c.Ask("g"))
		require.Equal(c.T, unavailable, c.Password("g", cache.Ask{LastGood: true}))
	})
	testConsistent(t, func(o *cache.Options) { o.StaleIfError = 0 }, func(c *resolvertest.Cached, _ func()) {
		require.Equal(c.T, "one", c.Password("g", cache.Ask{LastGood: true}))
		c.Pass(time.Minute)
		require.Equal(c.T, unavailable, c.Ask("g"))
		require.Equal(c.T, "one, stale", c.Password("g", cache.Ask{LastGood: true}))
	})
	resolvertest.TestCached(t, func(o *cache.Options) { o.Consistent = true }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		rotating(c, "g")
		require.Equal(c.T, unavailable, c.Ask("g"), "no consistent answer exists yet")
	})
}

func TestReadsOfAChangingCredential(t *testing.T) {
	testConsistent(t, nil, func(c *resolvertest.Cached, stop func()) {
		c.Pass(2 * time.Second)
		require.Equal(c.T, credential.Unavailable.Error(), c.Password("g", cache.Ask{Fresh: true}), "the last good answer is older than the request")
		before := c.Reads()
		require.Equal(c.T, "one", rejects(c, "g", "one"), "there is no newer credential")
		require.Equal(c.T, 6, c.Reads()-before, "three reads: a config and a secret each")
		require.Equal(c.T, "one", rejects(c, "g", "one"))
		require.Equal(c.T, 6, c.Reads()-before, "no second read within the same second")

		c.Pass(time.Minute)
		require.Equal(c.T, "one, stale", rejects(c, "g", "one"))
		require.Equal(c.T, "one, stale", c.Password("g", cache.Ask{NotStale: true}), "no store is down")

		stop()
		c.Bundle("g", "two")
		c.Pass(time.Second)
		require.Equal(c.T, "two", rejects(c, "g", "one"))
	})
}

// Otherwise the last good answer would hide the refusal for as long as the outage lasts.
func TestRefusalWinsOverOutage(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"p"}`)
		c.Secrets.Put("u", map[string]string{"value": "u"})
		c.Secrets.Put("p", map[string]string{"value": "one"})
		require.Equal(c.T, "one", c.Ask("g"))
		c.Secrets.Before("u", resolvertest.Fail(credential.Unavailable))
		c.Secrets.Before("p", func(context.Context) error { <-time.After(1); return credential.Denied })
		c.Pass(time.Minute)
		require.Equal(c.T, credential.Denied.Error(), c.Ask("g"))
	})
}

func TestFailureIfStaleAnswersAreNotWanted(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		whole := cache.Ask{NotStale: true}
		require.Equal(c.T, "one", c.Password("g", whole))
		resolvertest.StoresFail(c, credential.Unavailable)
		require.Equal(c.T, "one", c.Password("g", whole), "the answer is not stale yet")
		c.Pass(time.Minute)
		require.Equal(c.T, credential.Unavailable.Error(), c.Password("g", whole))
		require.Equal(c.T, "one, stale", c.Ask("g"))
		require.Equal(c.T, credential.Unavailable.Error(), c.Password("g", whole))
	})
}

// LastGood works no matter which request caused the read, if daprd has asked for a last good
// answer before.
func TestLastGoodAnswerIsKeptIfWanted(t *testing.T) {
	lastGood := cache.Ask{LastGood: true}
	resolvertest.TestCached(t, func(o *cache.Options) { o.StaleIfError = 0 }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		require.Equal(c.T, "one", c.Password("g", lastGood), "a cache hit")
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(50 * time.Minute)
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
		require.Equal(c.T, "one, stale", c.Password("g", lastGood))
	})
	resolvertest.TestCached(t, func(o *cache.Options) { o.StaleIfError = 0 }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Password("g", lastGood))
		c.Bundle("g", "two")
		c.Pass(time.Minute)
		require.Equal(c.T, "two", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(50 * time.Minute)
		require.Equal(c.T, "two, stale", c.Password("g", lastGood), "so is a newer one that another has read")
	})
	resolvertest.TestCached(t, func(o *cache.Options) { o.TTL = 0 }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		gate := c.Configs.Hold()
		go c.Ask("g")
		synctest.Wait()
		answer := make(chan string, 1)
		go func() { answer <- c.Password("g", lastGood) }()
		synctest.Wait()
		close(gate)
		require.Equal(c.T, "one", <-answer, "read by another request")
		resolvertest.StoresFail(c, credential.Unavailable)
		require.Equal(c.T, "one, stale", c.Password("g", lastGood))
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
		c.Secrets.Before(resolvertest.Any, nil)
		c.Bundle("g", "two")
		require.Equal(c.T, "two", c.Password("g", lastGood), "without a cache each request tries the stores")
	})
}

// A fresh request must never get an old answer, whatever fails.
func TestFreshRequestGetsNoStaleAnswer(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(1)
		require.Equal(c.T, credential.Unavailable.Error(), c.Password("g", cache.Ask{Fresh: true}))
		require.Equal(c.T, "one", c.Ask("g"))
	})
}

func TestRefusalAndMissDropTheLastGoodAnswer(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(c *resolvertest.Cached)
		want credential.Kind
	}{
		"a refusal":        {func(c *resolvertest.Cached) { resolvertest.StoresFail(c, credential.Denied) }, credential.Denied},
		"a bundle missing": {func(c *resolvertest.Cached) { c.Secrets.Delete("of-g") }, credential.NotFound},
		"a config missing": {func(c *resolvertest.Cached) { c.Configs.Delete("g") }, credential.NotFound},
		"a broken config":  {func(c *resolvertest.Cached) { c.Configs.Put("g", "[]") }, credential.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
				c.Bundle("g", "one")
				require.Equal(c.T, "one", c.Ask("g"))
				end.do(c)
				c.Pass(time.Minute)
				require.Equal(c.T, end.want.Error(), c.Ask("g"))
				resolvertest.StoresFail(c, credential.Unavailable)
				c.Configs.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
				c.Pass(5 * time.Second)
				require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
			})
		})
	}
}

func TestRetriesBackOffWhileAStoreIsDown(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		attempts, until := []time.Time{}, time.Now().Add(10*time.Minute)
		for before := c.Reads(); time.Now().Before(until); c.Pass(100 * time.Millisecond) {
			require.Equal(c.T, "one, stale", c.Ask("g"))
			synctest.Wait()
			if c.Reads() > before {
				attempts, before = append(attempts, time.Now()), c.Reads()
			}
		}
		most := 2 * time.Second
		for i := range len(attempts) - 1 {
			pause := attempts[i+1].Sub(attempts[i])
			require.GreaterOrEqual(c.T, pause, most/2, i)
			require.LessOrEqual(c.T, pause, most+100*time.Millisecond, i)
			most = min(4*most, cache.DefaultTTL)
		}
		require.GreaterOrEqual(c.T, len(attempts), 10)
	})
}

// Failed fresh requests do not delay the next background attempt.
func TestFailedFreshReadsDelayNoRefresh(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		for range 10 {
			require.Equal(c.T, credential.Unavailable.Error(), c.Password("g", cache.Ask{Fresh: true}))
		}
		c.Secrets.Before(resolvertest.Any, nil)
		c.Bundle("g", "two")
		c.Pass(2 * time.Second)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		synctest.Wait()
		require.Equal(c.T, "two", c.Ask("g"))
	})
}

func TestStaleAnswerSaysWhy(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Timeout)
		c.Pass(59 * time.Second)
		require.Equal(c.T, "one", c.Ask("g"), "the background refresh fails")
		c.Pass(time.Second)

		answer, err := c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.Equal(c.T, cache.Stale, answer.State)
		require.False(c.T, answer.Waited)
		require.True(c.T, answer.BecameStale)
		var why *credential.Error
		require.ErrorAs(c.T, answer.Stale, &why)
		require.Equal(c.T, credential.Timeout, why.Kind)
		require.Equal(c.T, "secretStore", why.Store)
		require.Equal(c.T, `credential "g": the secret store did not answer in time`, why.Error())
	})
}
