package resolver_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
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

// A credential that was rejected is read again for all who report it, once; one that
// was renewed meanwhile is not, nor one that was read just now.
func TestARejectedCredentialIsReadAgain(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		rejected := func(password string) string {
			return c.password("g", resolver.Ask{Rejected: func(credential *resolver.Credential) bool {
				v, _ := credential.Fields.Get("password")
				text, _ := v.Text()
				return text == password
			}})
		}
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.bundle("g", "two")
		c.pass(time.Second - 1)
		require.Equal(c.t, "one", rejected("one"), "it was read less than a second ago")
		c.pass(1)
		before := c.reads()
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() { assert.Equal(c.t, "two", rejected("one")) })
		}
		group.Wait()
		require.Equal(c.t, 2, c.reads()-before, "once for all")
		c.pass(time.Second)
		require.Equal(c.t, "two", rejected("one"), "it is another by now")
		require.Equal(c.t, 2, c.reads()-before)
	})
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
