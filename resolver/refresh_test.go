package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// fresh asks for a credential by refresh, later than anything before.
func (c *cached) fresh(guid string) string {
	<-time.After(1)
	return c.password(guid, resolver.Ask{Fresh: true})
}

// sinceAbout is how long ago a time is, to the millisecond.
func sinceAbout(began time.Time) time.Duration { return time.Since(began).Round(time.Millisecond) }

// numbered has each reading of a config bring the next number.
func (c *cached) numbered(guid string) {
	n := 0
	c.Configs.Before(guid, func(context.Context) error {
		n++
		c.Configs.Put(guid, `{"password":"`+strconv.Itoa(n)+`"}`)
		return nil
	})
}

func TestRefreshReadsOnceASecond(t *testing.T) {
	for _, ttl := range []time.Duration{time.Minute, 0} {
		t.Run(ttl.String(), func(t *testing.T) {
			testCached(t, func(o *resolver.CacheOptions) { o.TTL = ttl }, func(c *cached) {
				c.numbered("g")
				began := time.Now()
				for i := range 20 {
					require.Equal(c.t, strconv.Itoa(i+1), c.fresh("g"), "each is a reading of its own")
				}
				require.Equal(c.t, 19*time.Second, sinceAbout(began), "the first one waits for nothing")
				require.Len(c.t, c.Configs.Asked(), 20)
			})
		})
	}
}

func TestAllWhoRefreshWithinASecondShareTheNextReading(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.numbered("g")
		require.Equal(c.t, "1", c.fresh("g"))
		var group sync.WaitGroup
		began := time.Now()
		for i := range 9 {
			group.Go(func() {
				<-time.After(time.Duration(i+1) * 100 * time.Millisecond)
				assert.Equal(c.t, "2", c.fresh("g"))
				assert.Equal(c.t, time.Second, sinceAbout(began))
			})
		}
		group.Wait()
		require.Len(c.t, c.Configs.Asked(), 2)
	})
}

func TestRefreshOfOneCredentialDoesNotDelayAnother(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		c.bundle("h", "two")
		began := time.Now()
		require.Equal(c.t, "one", c.fresh("g"))
		require.Equal(c.t, "two", c.fresh("h"))
		require.Equal(c.t, "one", c.ask("g"), "nor who asks without it")
		require.Zero(c.t, sinceAbout(began))
	})
}

func TestAFailedRefreshCountsToo(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		c.Configs.Before("g", resolvertest.Fail(&resolver.StoreError{Kind: resolver.Unavailable, Err: errors.New("down")}))
		began := time.Now()
		for range 5 {
			require.Equal(c.t, resolver.Unavailable.Error(), c.fresh("g"))
		}
		require.Len(c.t, c.Configs.Asked(), 5)
		c.Configs.Before("g", nil)
		require.Equal(c.t, "one", c.fresh("g"))
		require.Equal(c.t, 5*time.Second, sinceAbout(began))
	})
}

// One who leaves takes his own time along, and not that of the others.
func TestARefreshGoesOnWhenACallerLeaves(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.numbered("g")
		require.Equal(c.t, "1", c.fresh("g"))
		ctx, leave := context.WithTimeout(c.t.Context(), time.Millisecond)
		defer leave()
		left := make(chan error)
		<-time.After(1)
		go func() {
			_, err := c.Resolve(ctx, "g", resolver.Ask{Fresh: true})
			left <- err
		}()
		stays := make(chan string)
		go func() { stays <- c.fresh("g") }()
		require.ErrorIs(c.t, <-left, resolver.Timeout)
		require.Equal(c.t, "2", <-stays)
		require.Len(c.t, c.Configs.Asked(), 2)
	})
}

// A reading that takes longer than a second delays nobody beyond its end, and whoever
// came while it was under way shares the next.
func TestARefreshAfterASlowOneBeginsAtOnce(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		c.Configs.Before("g", func(context.Context) error { <-time.After(3 * time.Second); return nil })
		began := time.Now()
		go c.fresh("g")
		<-time.After(2500 * time.Millisecond)
		require.Equal(c.t, "one", c.fresh("g"))
		require.Equal(c.t, 6*time.Second, sinceAbout(began))
	})
}

func TestClosingEndsARefreshThatWaits(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.fresh("g"))
		waits := make(chan string)
		go func() { waits <- c.fresh("g") }()
		synctest.Wait()
		began := time.Now()
		c.Close()
		require.Equal(c.t, resolver.Unavailable.Error(), <-waits)
		require.Zero(c.t, sinceAbout(began))
	})
}

func TestARefreshIsRememberedForASecond(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		for i := range 1000 {
			guid := fmt.Sprint("g", i)
			c.bundle(guid, "one")
			require.Equal(c.t, "one", c.fresh(guid))
		}
		require.Equal(c.t, 1000, c.Refreshing())
		c.pass(time.Second)
		require.Zero(c.t, c.Refreshing())
	})
}
