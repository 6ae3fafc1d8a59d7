package resolver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// putExplicit stores an explicit credential and its secret.
func putExplicit(c *resolvertest.Cached, guid, secret string) {
	c.Configs.Put(guid, explicitly(`"user":"literal","password":"${of-`+guid+`#pw}"`))
	c.Secrets.Put("of-"+guid, map[string]string{"pw": secret})
}

func TestAnExplicitCredentialIsCachedLikeAnyOther(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		putExplicit(c, "g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		reads := c.Reads()
		require.Equal(c.T, 2, reads)
		putExplicit(c, "g", "two")
		require.Equal(c.T, "one", c.Ask("g"))
		require.Equal(c.T, reads, c.Reads())
		c.Pass(1)
		require.Equal(c.T, "two", c.Password("g", cache.Ask{Fresh: true}))

		// A rejected credential is read again, at most once a second.
		putExplicit(c, "g", "three")
		rejected := cache.Ask{Rejected: func(*credential.Credential) bool { return true }}
		require.Equal(c.T, "two", c.Password("g", rejected))
		c.Pass(time.Second)
		require.Equal(c.T, "three", c.Password("g", rejected))

		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		require.Equal(c.T, "three, stale", c.Ask("g"))
	})
}

func TestExplicitCredentialsShareTheSecretsOfOthers(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Configs.Put("h", explicitly(`"password":{"secretKeyRef":{"name":"of-g","key":"pw"}}`))
		require.Equal(c.T, "one", c.Ask("h"))
		require.Equal(c.T, []string{"of-g"}, c.Secrets.Asked())
	})
}

func TestExplicitCredentialIsAsOldAsItsOldestPart(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		read := time.Now()
		c.Pass(20 * time.Second)
		c.Configs.Put("h", explicitly(`"password":"${of-g#pw}"`))
		answer, err := c.Resolve(c.T.Context(), "h", cache.Ask{})
		require.NoError(c.T, err)
		require.Equal(c.T, read, answer.ReadAt)
	})
}

func TestConsistentReadsOfExplicitReferences(t *testing.T) {
	resolvertest.TestCached(t, func(o *cache.Options) { o.Consistent = true }, func(c *resolvertest.Cached) {
		putExplicit(c, "g", "one")
		c.Secrets.Before("of-g", func(context.Context) error {
			<-time.After(time.Millisecond)
			return nil
		})
		require.Equal(c.T, "one", c.Ask("g"))
		require.Equal(c.T, []string{"of-g", "of-g"}, c.Secrets.Asked())
	})
}

// Section 4, step 8, makes a literal NotFound if it was a secret before. An explicit reference
// needs no such memory, because it is never a literal. An optional secret may disappear.
func TestDisappearedSecretOfAnExplicitReference(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		putExplicit(c, "g", "one")
		c.Configs.Put("optional", explicitly(`"password":{"secretKeyRef":{"name":"of-g","key":"pw","default":"default"}}`))
		require.Equal(c.T, "one", c.Ask("g"))
		require.Equal(c.T, "one", c.Ask("optional"))
		c.Secrets.Delete("of-g")
		c.Pass(2 * time.Minute)
		require.Equal(c.T, "not found", c.Ask("g"))
		require.Equal(c.T, "default", c.Ask("optional"))
		putExplicit(c, "g", "two")
		c.Pass(1)
		require.Equal(c.T, "two", c.Password("g", cache.Ask{Fresh: true}))
	})
}

// The secrets of an explicit credential are prefetched once they are known. Secrets of a named
// store are read after the config.
func TestPrefetchReadsSecretsOfExplicitReferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores, second := resolvertest.New(t), resolvertest.New(t)
		stores.Configs.Put(guid, explicitly(`"a":"${one}","b":{"secretKeyRef":{"name":"one","store":"second"}}`))
		stores.Secrets.Put("one", map[string]string{"v": "1"})
		second.Secrets.Put("one", map[string]string{"v": "2"})
		options := stores.Options()
		options.Named = map[string]resolver.NamedSecrets{"second": {Store: second.Secrets}}
		r := resolver.New(options)
		require.Equal(t, `{"a":"1","b":"2"}`, answer(t, r))

		gate := stores.Configs.Hold()
		done := make(chan error)
		go func() {
			_, err := r.Resolve(t.Context(), guid)
			done <- err
		}()
		synctest.Wait()
		require.Equal(t, []string{"one", "one"}, stores.Secrets.Asked())
		require.Equal(t, []string{"one"}, second.Secrets.Asked())
		close(gate)
		require.NoError(t, <-done)
		require.Equal(t, []string{"one", "one"}, stores.Secrets.Asked(), "the prefetched secret is used")
		require.Equal(t, []string{"one", "one"}, second.Secrets.Asked())
		require.Equal(t, `{"a":"1","b":"2"}`, answer(t, r))
	})
}
