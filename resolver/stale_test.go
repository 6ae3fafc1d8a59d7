package resolver_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

func (c *cached) down(kind resolver.Kind) {
	c.Secrets.Before(resolvertest.Any, resolvertest.Fail(kind))
}

func TestTheLastGoodAnswerIsGivenWhileAStoreIsDown(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Unavailable)
		c.pass(time.Minute)
		answer, err := c.Resolve(c.t.Context(), "g", resolver.Ask{})
		require.NoError(c.t, err)
		require.ErrorIs(c.t, answer.Stale, resolver.Unavailable)
		require.True(c.t, answer.BecameStale)
		answer, err = c.Resolve(c.t.Context(), "g", resolver.Ask{})
		require.NoError(c.t, err)
		require.False(c.t, answer.BecameStale)

		// From then on nobody waits for a store that does not answer.
		gate := c.Secrets.Hold()
		c.pass(2 * time.Second)
		require.Equal(c.t, "one, stale", c.ask("g"))
		require.Equal(c.t, "one, stale", c.ask("g"))
		close(gate)
		synctest.Wait()
		before := c.reads()
		for range 10 {
			require.Equal(c.t, "one, stale", c.ask("g"))
		}
		require.Equal(c.t, before, c.reads(), "nor is it asked each time")

		c.Secrets.Before(resolvertest.Any, nil)
		c.bundle("g", "two")
		c.pass(8 * time.Second)
		require.Equal(c.t, "one, stale", c.ask("g"))
		synctest.Wait()
		require.Equal(c.t, "two", c.ask("g"))
	})
}

func TestTheLastGoodAnswerIsGivenForSoLong(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Timeout)
		c.pass(time.Hour)
		require.Equal(c.t, "one, stale", c.ask("g"))
		c.pass(1)
		require.Equal(c.t, resolver.Timeout.Error(), c.ask("g"))
	})
	testCached(t, func(o *resolver.CacheOptions) { o.StaleIfError = 0 }, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Unavailable)
		c.pass(time.Minute)
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
		require.Equal(c.t, "one, stale", c.password("g", resolver.Ask{LastGood: true}))
	})
}

// A store that failed once, some time ago, is no store that is down.
func TestAFailureThatIsOverMakesNoStaleAnswer(t *testing.T) {
	for name, fail := range map[string]func(c *cached){
		"a renewal": func(c *cached) {
			c.pass(55 * time.Second)
			require.Equal(c.t, "one", c.ask("g"))
		},
		"a refresh": func(c *cached) {
			c.pass(1)
			require.Equal(c.t, resolver.Unavailable.Error(), c.password("g", resolver.Ask{Fresh: true}))
		},
		"a renewal that closing ended": func(c *cached) {
			c.Secrets.Before(resolvertest.Any, resolvertest.Block())
			c.pass(55 * time.Second)
			require.Equal(c.t, "one", c.ask("g"))
			synctest.Wait()
			c.Close()
			c.reopen()
		},
	} {
		t.Run(name, func(t *testing.T) {
			testCached(t, nil, func(c *cached) {
				c.bundle("g", "one")
				require.Equal(c.t, "one", c.ask("g"))
				c.down(resolver.Unavailable)
				fail(c)
				synctest.Wait()
				c.Secrets.Before(resolvertest.Any, nil)
				c.bundle("g", "two")
				c.pass(50 * time.Minute)
				require.Equal(c.t, "two", c.ask("g"))
			})
		})
	}
}

// It is the caller who has no time, and no store that is down.
func TestACallerWhoLeavesGetsNoStaleAnswer(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(2 * time.Minute)
		c.Secrets.Before(resolvertest.Any, func(context.Context) error { <-time.After(time.Second); return nil })
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Millisecond)
		defer cancel()
		_, err := c.Resolve(ctx, "g", resolver.Ask{})
		require.ErrorIs(c.t, err, resolver.Timeout)
		cancel()
		_, err = c.Resolve(ctx, "g", resolver.Ask{})
		require.Error(c.t, err)
		c.pass(time.Second)
		require.Equal(c.t, "one", c.ask("g"), "the reading went on")
	})
}

// changing has each reading of a credential find another password, until stop is called.
func (c *cached) changing(guid string) (stop func()) {
	n := 0
	c.Secrets.Before("of-"+guid, func(context.Context) error {
		<-time.After(1)
		n++
		c.Secrets.Put("of-"+guid, map[string]string{"pw": fmt.Sprint("rotated ", n)})
		return nil
	})
	return func() { c.Secrets.Before("of-"+guid, nil) }
}

// testConsistent runs a test with consistentReads on a credential whose last good password
// is "one", and that changes in each reading now.
func testConsistent(t *testing.T, change func(*resolver.CacheOptions), test func(c *cached, stop func())) {
	t.Helper()
	testCached(t, func(o *resolver.CacheOptions) {
		o.Consistent = true
		if change != nil {
			change(o)
		}
	}, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		test(c, c.changing("g"))
	})
}

func TestACredentialThatChangesIsAnsweredAsItWasLastConsistent(t *testing.T) {
	testConsistent(t, nil, func(c *cached, stop func()) {
		c.pass(time.Minute)
		answer, err := c.Resolve(c.t.Context(), "g", resolver.Ask{})
		require.NoError(c.t, err)
		require.True(c.t, answer.BecameStale)
		var why *resolver.Error
		require.ErrorAs(c.t, answer.Stale, &why)
		require.Equal(c.t, `credential "g": it changes while it is being read`, why.Error())
		require.Empty(c.t, why.Store, "no store is to blame")
		for range 100 {
			require.Equal(c.t, "one, stale", c.ask("g"))
		}
		stop()
		c.bundle("g", "two")
		c.pass(2 * time.Second)
		require.Equal(c.t, "one, stale", c.ask("g"), "and it is read in the background")
		synctest.Wait()
		require.Equal(c.t, "two", c.ask("g"))
	})
}

// The stores are up, and the rotation may be over in a moment.
func TestACredentialThatChangesIsReadAgainEverySecondOrTwo(t *testing.T) {
	testConsistent(t, nil, func(c *cached, _ func()) {
		c.pass(time.Minute)
		attempts, until := []time.Time{}, time.Now().Add(5*time.Minute)
		for before := c.reads(); time.Now().Before(until); c.pass(100 * time.Millisecond) {
			require.Equal(c.t, "one, stale", c.ask("g"))
			c.pass(time.Microsecond) // which the readings take
			if c.reads() > before {
				attempts, before = append(attempts, time.Now()), c.reads()
			}
		}
		for i := range len(attempts) - 1 {
			pause := attempts[i+1].Sub(attempts[i])
			require.GreaterOrEqual(c.t, pause, time.Second, i)
			require.LessOrEqual(c.t, pause, 2*time.Second+200*time.Millisecond, i)
		}
		require.GreaterOrEqual(c.t, len(attempts), 130)
	})
}

func TestTheLastConsistentAnswerIsGivenForSoLong(t *testing.T) {
	unavailable := resolver.Unavailable.Error()
	testConsistent(t, nil, func(c *cached, _ func()) {
		c.pass(resolver.DefaultStaleIfError)
		require.Equal(c.t, "one, stale", c.ask("g"))
		c.pass(1)
		require.Equal(c.t, unavailable, c.ask("g"))
		require.Equal(c.t, unavailable, c.password("g", resolver.Ask{LastGood: true}))
	})
	testConsistent(t, func(o *resolver.CacheOptions) { o.StaleIfError = 0 }, func(c *cached, _ func()) {
		require.Equal(c.t, "one", c.password("g", resolver.Ask{LastGood: true}))
		c.pass(time.Minute)
		require.Equal(c.t, unavailable, c.ask("g"))
		require.Equal(c.t, "one, stale", c.password("g", resolver.Ask{LastGood: true}))
	})
	testCached(t, func(o *resolver.CacheOptions) { o.Consistent = true }, func(c *cached) {
		c.bundle("g", "one")
		c.changing("g")
		require.Equal(c.t, unavailable, c.ask("g"), "it never was consistent")
	})
}

func TestWhatIsAskedOfACredentialThatChanges(t *testing.T) {
	testConsistent(t, nil, func(c *cached, stop func()) {
		c.pass(2 * time.Second)
		require.Equal(c.t, resolver.Unavailable.Error(), c.password("g", resolver.Ask{Fresh: true}), "the last good one is older")
		before := c.reads()
		require.Equal(c.t, "one", c.rejected("g", "one"), "there is no better one")
		require.Equal(c.t, 6, c.reads()-before, "it is read three times")
		require.Equal(c.t, "one", c.rejected("g", "one"))
		require.Equal(c.t, 6, c.reads()-before, "and not again in the same second")

		c.pass(time.Minute)
		require.Equal(c.t, "one, stale", c.rejected("g", "one"))
		require.Equal(c.t, "one, stale", c.password("g", resolver.Ask{NotStale: true}), "no store is down")

		stop()
		c.bundle("g", "two")
		c.pass(time.Second)
		require.Equal(c.t, "two", c.rejected("g", "one"))
	})
}

// Or its last good answer would pass over the refusal, for as long as that lasts.
func TestARefusalBesideAnOutageIsARefusal(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"p"}`)
		c.Secrets.Put("u", map[string]string{"value": "u"})
		c.Secrets.Put("p", map[string]string{"value": "one"})
		require.Equal(c.t, "one", c.ask("g"))
		c.Secrets.Before("u", resolvertest.Fail(resolver.Unavailable))
		c.Secrets.Before("p", func(context.Context) error { <-time.After(1); return resolver.Denied })
		c.pass(time.Minute)
		require.Equal(c.t, resolver.Denied.Error(), c.ask("g"))
	})
}

func TestWhoWantsNoStaleAnswerGetsTheFailure(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		whole := resolver.Ask{NotStale: true}
		require.Equal(c.t, "one", c.password("g", whole))
		c.down(resolver.Unavailable)
		require.Equal(c.t, "one", c.password("g", whole), "it is not stale yet")
		c.pass(time.Minute)
		require.Equal(c.t, resolver.Unavailable.Error(), c.password("g", whole))
		require.Equal(c.t, "one, stale", c.ask("g"))
		require.Equal(c.t, resolver.Unavailable.Error(), c.password("g", whole))
	})
}

// Whoever read it: daprd gets the last good one if it has asked for it before.
func TestTheLastGoodAnswerIsKeptForWhoWantsIt(t *testing.T) {
	lastGood := resolver.Ask{LastGood: true}
	testCached(t, func(o *resolver.CacheOptions) { o.StaleIfError = 0 }, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		require.Equal(c.t, "one", c.password("g", lastGood), "a hit")
		c.down(resolver.Unavailable)
		c.pass(50 * time.Minute)
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
		require.Equal(c.t, "one, stale", c.password("g", lastGood))
	})
	testCached(t, func(o *resolver.CacheOptions) { o.TTL = 0 }, func(c *cached) {
		c.bundle("g", "one")
		gate := c.Configs.Hold()
		go c.ask("g")
		synctest.Wait()
		answer := make(chan string, 1)
		go func() { answer <- c.password("g", lastGood) }()
		synctest.Wait()
		close(gate)
		require.Equal(c.t, "one", <-answer, "read by another")
		c.down(resolver.Unavailable)
		require.Equal(c.t, "one, stale", c.password("g", lastGood))
	})
}

// What is asked for fresh must not be old, whatever fails.
func TestTheLastGoodAnswerIsNoneToWhoAsksForAFreshOne(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Unavailable)
		c.pass(1)
		require.Equal(c.t, resolver.Unavailable.Error(), c.password("g", resolver.Ask{Fresh: true}))
		require.Equal(c.t, "one", c.ask("g"))
	})
}

func TestARefusalAndAMissEndTheLastGoodAnswerAtOnce(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(c *cached)
		want resolver.Kind
	}{
		"a refusal":        {func(c *cached) { c.down(resolver.Denied) }, resolver.Denied},
		"a bundle missing": {func(c *cached) { c.Secrets.Delete("of-g") }, resolver.NotFound},
		"a config missing": {func(c *cached) { c.Configs.Delete("g") }, resolver.NotFound},
		"a config wrong":   {func(c *cached) { c.Configs.Put("g", "[]") }, resolver.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			testCached(t, nil, func(c *cached) {
				c.bundle("g", "one")
				require.Equal(c.t, "one", c.ask("g"))
				end.do(c)
				c.pass(time.Minute)
				require.Equal(c.t, end.want.Error(), c.ask("g"))
				c.down(resolver.Unavailable)
				c.Configs.Before(resolvertest.Any, resolvertest.Fail(resolver.Unavailable))
				c.pass(5 * time.Second)
				require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
			})
		})
	}
}

func TestAStoreThatIsDownIsAskedEverMoreSeldom(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Unavailable)
		c.pass(time.Minute)
		attempts, until := []time.Time{}, time.Now().Add(10*time.Minute)
		for before := c.reads(); time.Now().Before(until); c.pass(100 * time.Millisecond) {
			require.Equal(c.t, "one, stale", c.ask("g"))
			synctest.Wait()
			if c.reads() > before {
				attempts, before = append(attempts, time.Now()), c.reads()
			}
		}
		most := 2 * time.Second
		for i := range len(attempts) - 1 {
			pause := attempts[i+1].Sub(attempts[i])
			require.GreaterOrEqual(c.t, pause, most/2, i)
			require.LessOrEqual(c.t, pause, most+100*time.Millisecond, i)
			most = min(4*most, resolver.DefaultCacheTTL)
		}
		require.GreaterOrEqual(c.t, len(attempts), 10)
	})
}

// Who asks for fresh ones, and gets none, does not put the next attempt off.
func TestFreshReadingsThatFailDelayNoRenewal(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Unavailable)
		c.pass(time.Minute)
		require.Equal(c.t, "one, stale", c.ask("g"))
		for range 10 {
			require.Equal(c.t, resolver.Unavailable.Error(), c.password("g", resolver.Ask{Fresh: true}))
		}
		c.Secrets.Before(resolvertest.Any, nil)
		c.bundle("g", "two")
		c.pass(2 * time.Second)
		require.Equal(c.t, "one, stale", c.ask("g"))
		synctest.Wait()
		require.Equal(c.t, "two", c.ask("g"))
	})
}

func TestAStaleAnswerSaysWhyItCouldNotBeRenewed(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Timeout)
		c.pass(59 * time.Second)
		require.Equal(c.t, "one", c.ask("g"), "it is renewed in the background, which fails")
		c.pass(time.Second)

		answer, err := c.Resolve(c.t.Context(), "g", resolver.Ask{})
		require.NoError(c.t, err)
		require.True(c.t, answer.FromCache)
		require.True(c.t, answer.BecameStale)
		var why *resolver.Error
		require.ErrorAs(c.t, answer.Stale, &why)
		require.Equal(c.t, resolver.Timeout, why.Kind)
		require.Equal(c.t, "secret store", why.Store)
		require.Equal(c.t, `credential "g": the secret store did not answer in time`, why.Error())
	})
}
