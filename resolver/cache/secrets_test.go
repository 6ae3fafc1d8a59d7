package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// sharesSecret stores another credential with the bundle of g.
func sharesSecret(c *resolvertest.Cached, guid string) {
	c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"of-g","password":"pw"}`)
}

// Another credential must not be made of it.
func TestSecretThatIsLostLeavesTheSecretCache(t *testing.T) {
	for name, row := range map[string]struct {
		lose func(c *resolvertest.Cached)
		want credential.Kind
	}{
		"it is gone":    {func(c *resolvertest.Cached) { c.Secrets.Delete("of-g") }, credential.NotFound},
		"it is empty":   {func(c *resolvertest.Cached) { c.Secrets.Put("of-g", map[string]string{"pw": ""}) }, credential.NotFound},
		"it is refused": {func(c *resolvertest.Cached) { resolvertest.StoresFail(c, credential.Denied) }, credential.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
				c.Bundle("g", "one")
				sharesSecret(c, "h")
				require.Equal(c.T, "one", c.Ask("g"))
				row.lose(c)
				c.Pass(1)
				require.Equal(c.T, row.want.Error(), c.Password("g", cache.Ask{Fresh: true}))
				require.Equal(c.T, row.want.Error(), c.Ask("h"))
			})
		})
	}
}

func TestOutageLeavesTheSecretInTheSecretCache(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		sharesSecret(c, "h")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(1)
		require.Equal(c.T, credential.Unavailable.Error(), c.Password("g", cache.Ask{Fresh: true}))
		require.Equal(c.T, "one", c.Ask("h"))
	})
}

// Half of the TTL, from when its read began, however long the read took.
func TestSecretIsCachedForHalfATTL(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		sharesSecret(c, "h")
		sharesSecret(c, "i")
		c.Secrets.Before("of-g", resolvertest.OnlyTheFirst(func(context.Context) error {
			<-time.After(5 * time.Second)
			return nil
		}))
		require.Equal(c.T, "one", c.Ask("g"))
		c.Bundle("g", "two")
		c.Pass(25*time.Second - 1)
		require.Equal(c.T, "one", c.Ask("h"))
		c.Pass(1)
		require.Equal(c.T, "two", c.Ask("i"))
	})
}
