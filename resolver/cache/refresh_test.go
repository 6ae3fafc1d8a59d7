package cache_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// askFresh sends a refresh request. It first lets the clock advance, so that the request is
// later than all others.
func askFresh(c *resolvertest.Cached, guid string) string {
	<-time.After(1)
	return c.Password(guid, cache.Ask{Fresh: true})
}

// sinceAbout returns the time since began, rounded to milliseconds.
func sinceAbout(began time.Time) time.Duration { return time.Since(began).Round(time.Millisecond) }

// putNumbered makes each read of a config return the next number as the password.
func putNumbered(c *resolvertest.Cached, guid string) {
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
			resolvertest.TestCached(t, func(o *cache.Options) { o.TTL = ttl }, func(c *resolvertest.Cached) {
				putNumbered(c, "g")
				began := time.Now()
				for i := range 20 {
					require.Equal(c.T, strconv.Itoa(i+1), askFresh(c, "g"), "each request causes a read")
				}
				require.Equal(c.T, 19*time.Second, sinceAbout(began), "the first request must not wait")
				require.Len(c.T, c.Configs.Asked(), 20)
			})
		})
	}
}

func TestRefreshTakesNoCachedSecret(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Bundle("g", "two")
		require.Equal(c.T, "two", askFresh(c, "g"))
		require.Equal(c.T, []string{"of-g", "of-g"}, c.Secrets.Asked(), "it is read once more, and no oftener")
		require.Len(c.T, c.Configs.Asked(), 2)
	})
}

// The read of another request that began at the same moment may take a cached secret.
func TestRefreshThatJoinsAReadOfCachedSecretsReadsAgain(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Configs.Put("h", `{"credentialSource":"agent","secret-path":"of-g","password":"pw"}`)
		require.Equal(c.T, "one", c.Ask("h"))
		c.Bundle("g", "two")
		c.Pass(1)
		gate := c.Configs.Hold()
		plain, fresh := make(chan string, 1), make(chan string, 1)
		go func() { plain <- c.Ask("g") }()
		synctest.Wait()
		go func() { fresh <- c.Password("g", cache.Ask{Fresh: true}) }()
		synctest.Wait()
		close(gate)
		require.Equal(c.T, "one", <-plain)
		require.Equal(c.T, "two", <-fresh)
	})
}

func TestBackgroundRefreshesShareACachedSecret(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Secrets.Put("shared", map[string]string{"pw": "one"})
		guids := []string{"g", "h"}
		for _, guid := range guids {
			c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`)
			require.Equal(c.T, "one", c.Ask(guid))
		}
		c.Pass(55 * time.Second)
		before := len(c.Configs.Asked())
		for _, guid := range guids {
			require.Equal(c.T, "one", c.Ask(guid))
			c.Pass(time.Second)
		}
		require.Len(c.T, c.Configs.Asked(), before+2, "both are refreshed")
		require.Equal(c.T, []string{"shared", "shared"}, c.Secrets.Asked())
	})
}

func TestRefreshesWithinASecondShareTheNextRead(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		putNumbered(c, "g")
		require.Equal(c.T, "1", askFresh(c, "g"))
		var group sync.WaitGroup
		began := time.Now()
		for i := range 9 {
			group.Go(func() {
				<-time.After(time.Duration(i+1) * 100 * time.Millisecond)
				assert.Equal(c.T, "2", askFresh(c, "g"))
				assert.Equal(c.T, time.Second, sinceAbout(began))
			})
		}
		group.Wait()
		require.Len(c.T, c.Configs.Asked(), 2)
	})
}

func TestRefreshOfOneCredentialDoesNotDelayAnother(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Bundle("h", "two")
		began := time.Now()
		require.Equal(c.T, "one", askFresh(c, "g"))
		require.Equal(c.T, "two", askFresh(c, "h"))
		require.Equal(c.T, "one", c.Ask("g"), "nor a request without refresh")
		require.Zero(c.T, sinceAbout(began))
	})
}

func TestFailedRefreshCountsForTheRateLimit(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Configs.Before("g", resolvertest.Fail(&credential.StoreError{Kind: credential.Unavailable, Err: errors.New("down")}))
		began := time.Now()
		for range 5 {
			require.Equal(c.T, credential.Unavailable.Error(), askFresh(c, "g"))
		}
		require.Len(c.T, c.Configs.Asked(), 5)
		c.Configs.Before("g", nil)
		require.Equal(c.T, "one", askFresh(c, "g"))
		require.Equal(c.T, 5*time.Second, sinceAbout(began))
	})
}

// A caller that leaves does not cancel the read for the other callers.
func TestARefreshGoesOnWhenACallerLeaves(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		putNumbered(c, "g")
		require.Equal(c.T, "1", askFresh(c, "g"))
		ctx, leave := context.WithTimeout(c.T.Context(), time.Millisecond)
		defer leave()
		left := make(chan error)
		<-time.After(1)
		go func() {
			_, err := c.Resolve(ctx, "g", cache.Ask{Fresh: true})
			left <- err
		}()
		stays := make(chan string)
		go func() { stays <- askFresh(c, "g") }()
		require.ErrorIs(c.T, <-left, credential.Timeout)
		require.Equal(c.T, "2", <-stays)
		require.Len(c.T, c.Configs.Asked(), 2)
	})
}

// After a read that took more than a second, the next one starts at once. All requests that
// arrived in the meantime share it.
func TestARefreshAfterASlowOneBeginsAtOnce(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		c.Configs.Before("g", func(context.Context) error { <-time.After(3 * time.Second); return nil })
		began := time.Now()
		go askFresh(c, "g")
		<-time.After(2500 * time.Millisecond)
		require.Equal(c.T, "one", askFresh(c, "g"))
		require.Equal(c.T, 6*time.Second, sinceAbout(began))
	})
}

func TestClosingEndsARefreshThatWaits(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", askFresh(c, "g"))
		waits := make(chan string)
		go func() { waits <- askFresh(c, "g") }()
		synctest.Wait()
		began := time.Now()
		c.Close()
		require.Equal(c.T, credential.Unavailable.Error(), <-waits)
		require.Zero(c.T, sinceAbout(began))
	})
}
