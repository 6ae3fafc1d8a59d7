package resolver_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// rejected asks for a credential, and reports that its password was refused.
func (c *cached) rejected(guid, password string) string {
	return c.password(guid, resolver.Ask{Rejected: func(credential *resolver.Credential) bool {
		v, _ := credential.Fields.Get("password")
		text, _ := v.Text()
		return text == password
	}})
}

// A credential that was rejected is read again for all who report it, once; one that
// was renewed meanwhile is not, nor one that was read just now.
func TestARejectedCredentialIsReadAgain(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		rejected := func(password string) string { return c.rejected("g", password) }
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

// A thousand workers that cannot log in must be no load on a store that is down.
func TestARejectedCredentialIsReadOnceASecond(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.down(resolver.Unavailable)
		c.pass(2 * time.Second)
		before := len(c.Secrets.Asked())
		for range 1000 {
			require.Equal(c.t, "one", c.rejected("g", "one"), "there is no better one")
		}
		require.Equal(c.t, 1, len(c.Secrets.Asked())-before)
		c.pass(time.Second)
		for range 1000 {
			require.Equal(c.t, "one", c.rejected("g", "one"))
		}
		require.Equal(c.t, 2, len(c.Secrets.Asked())-before)

		c.pass(2 * time.Minute)
		require.Equal(c.t, "one, stale", c.rejected("g", "one"), "what everybody gets")
		c.Secrets.Before(resolvertest.Any, nil)
		c.bundle("g", "two")
		c.pass(time.Second)
		require.Equal(c.t, "two", c.rejected("g", "one"))
		c.down(resolver.Denied)
		c.pass(time.Second)
		require.Equal(c.t, resolver.Denied.Error(), c.rejected("g", "two"))
	})
}
