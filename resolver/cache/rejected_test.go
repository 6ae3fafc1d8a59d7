package cache_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// rejects requests a credential and reports that its password was rejected.
func rejects(c *resolvertest.Cached, guid, password string) string {
	return c.Password(guid, cache.Ask{Rejected: func(credential *credential.Credential) bool {
		v, _ := credential.Fields.Get("password")
		text, _ := v.Text()
		return text == password
	}})
}

// A rejected credential is read again once, for all who report it. It is not read again if it
// has already changed or was read within the last second.
func TestARejectedCredentialIsReadAgain(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		rejected := func(password string) string { return rejects(c, "g", password) }
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Bundle("g", "two")
		c.Pass(time.Second - 1)
		require.Equal(c.T, "one", rejected("one"), "it was read less than a second ago")
		c.Pass(1)
		before := c.Reads()
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() { assert.Equal(c.T, "two", rejected("one")) })
		}
		group.Wait()
		require.Equal(c.T, 2, c.Reads()-before, "one read for all requests")
		c.Pass(time.Second)
		require.Equal(c.T, "two", rejected("one"), "the credential has already changed")
		require.Equal(c.T, 2, c.Reads()-before)
	})
}

// If many workers cannot log in, their requests must not overload a store that is down.
func TestARejectedCredentialIsReadOnceASecond(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(2 * time.Second)
		before := len(c.Secrets.Asked())
		for range 1000 {
			require.Equal(c.T, "one", rejects(c, "g", "one"), "there is no newer credential")
		}
		require.Equal(c.T, 1, len(c.Secrets.Asked())-before)
		c.Pass(time.Second)
		for range 1000 {
			require.Equal(c.T, "one", rejects(c, "g", "one"))
		}
		require.Equal(c.T, 2, len(c.Secrets.Asked())-before)

		c.Pass(2 * time.Minute)
		require.Equal(c.T, "one, stale", rejects(c, "g", "one"), "every request gets the same answer")
		c.Secrets.Before(resolvertest.Any, nil)
		c.Bundle("g", "two")
		c.Pass(time.Second)
		require.Equal(c.T, "two", rejects(c, "g", "one"))
		resolvertest.StoresFail(c, credential.Denied)
		c.Pass(time.Second)
		require.Equal(c.T, credential.Denied.Error(), rejects(c, "g", "two"))
	})
}

func TestRejectedAfterACachedFailureIsThatFailure(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
		require.Equal(c.T, credential.NotFound.Error(), rejects(c, "g", "one"))
		require.Equal(c.T, 1, c.Reads())
	})
}

// A credential that is not cached may still be made of a cached secret. In this test no time
// passes during a read.
func TestRejectedTakesNoCachedSecret(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Configs.Put("h", `{"credentialSource":"agent","secret-path":"of-g","password":"pw"}`)
		c.Bundle("g", "two")
		c.Pass(time.Second)
		require.Equal(c.T, "two", rejects(c, "h", "one"))
		require.Equal(c.T, []string{"of-g", "of-g"}, c.Secrets.Asked())
	})
}

// Nothing better may be found, and then the request ends all the same.
func TestRejectedEndsWithWhatIsFound(t *testing.T) {
	for name, row := range map[string]struct {
		change func(c *resolvertest.Cached)
		want   string
	}{
		"the same":          {func(*resolvertest.Cached) {}, "one"},
		"another":           {func(c *resolvertest.Cached) { c.Bundle("g", "two") }, "two"},
		"a store is down":   {func(c *resolvertest.Cached) { resolvertest.StoresFail(c, credential.Unavailable) }, "one"},
		"a store refuses":   {func(c *resolvertest.Cached) { resolvertest.StoresFail(c, credential.Denied) }, credential.Denied.Error()},
		"the secret is not": {func(c *resolvertest.Cached) { c.Secrets.Delete("of-g") }, credential.NotFound.Error()},
		"the config is not": {func(c *resolvertest.Cached) { c.Configs.Delete("g") }, credential.NotFound.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
				c.Bundle("g", "one")
				require.Equal(c.T, "one", c.Ask("g"))
				c.Pass(time.Second)
				row.change(c)
				require.Equal(c.T, row.want, rejects(c, "g", "one"))
				require.Len(c.T, c.Configs.Asked(), 2, "it is read once more, and no oftener")
			})
		})
	}
}
