package resolver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// explicit stores an explicit credential, and its secret.
func (c *cached) explicit(guid, secret string) {
	c.Configs.Put(guid, explicitly(`"user":"literal","password":"${of-`+guid+`#pw}"`))
	c.Secrets.Put("of-"+guid, map[string]string{"pw": secret})
}

func TestAnExplicitCredentialIsCachedLikeAnyOther(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.explicit("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		reads := c.reads()
		require.Equal(c.t, 2, reads)
		c.explicit("g", "two")
		require.Equal(c.t, "one", c.ask("g"))
		require.Equal(c.t, reads, c.reads())
		c.pass(1)
		require.Equal(c.t, "two", c.password("g", resolver.Ask{Fresh: true}))

		// "This one was refused": it is read again, once a second at most.
		c.explicit("g", "three")
		rejected := resolver.Ask{Rejected: func(*resolver.Credential) bool { return true }}
		require.Equal(c.t, "two", c.password("g", rejected))
		c.pass(time.Second)
		require.Equal(c.t, "three", c.password("g", rejected))

		c.down(resolver.Unavailable)
		c.pass(time.Minute)
		require.Equal(c.t, "three, stale", c.ask("g"))
	})
}

func TestExplicitCredentialsShareTheSecretsOfOthers(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.Configs.Put("h", explicitly(`"password":{"secretKeyRef":{"name":"of-g","key":"pw"}}`))
		require.Equal(c.t, "one", c.ask("h"))
		require.Equal(c.t, []string{"of-g"}, c.Secrets.Asked())
	})
}

func TestTheAgeOfAnExplicitCredentialIsThatOfItsOldestPart(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		read := time.Now()
		c.pass(20 * time.Second)
		c.Configs.Put("h", explicitly(`"password":"${of-g#pw}"`))
		answer, err := c.Resolve(c.t.Context(), "h", resolver.Ask{})
		require.NoError(c.t, err)
		require.Equal(c.t, read, answer.ReadAt)
	})
}

func TestConsistentReadsOfExplicitReferences(t *testing.T) {
	testCached(t, func(o *resolver.CacheOptions) { o.Consistent = true }, func(c *cached) {
		c.explicit("g", "one")
		c.Secrets.Before("of-g", func(context.Context) error {
			<-time.After(time.Millisecond)
			return nil
		})
		require.Equal(c.t, "one", c.ask("g"))
		require.Equal(c.t, []string{"of-g", "of-g"}, c.Secrets.Asked())
	})
}

// Section 4, step 8: one that was there is not asked about here, since none is a
// literal; and what is optional may go.
func TestAnExplicitReferenceWhoseSecretIsGone(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.explicit("g", "one")
		c.Configs.Put("optional", explicitly(`"password":{"secretKeyRef":{"name":"of-g","key":"pw","default":"default"}}`))
		require.Equal(c.t, "one", c.ask("g"))
		require.Equal(c.t, "one", c.ask("optional"))
		c.Secrets.Delete("of-g")
		c.pass(2 * time.Minute)
		require.Equal(c.t, "not found", c.ask("g"))
		require.Equal(c.t, "default", c.ask("optional"))
		c.explicit("g", "two")
		c.pass(1)
		require.Equal(c.t, "two", c.password("g", resolver.Ask{Fresh: true}))
	})
}

// What an explicit credential is made of is read beside its config, once that is known;
// from a further store it is read after it.
func TestTheSecretsOfExplicitReferencesAreReadBesideTheConfig(t *testing.T) {
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
		require.Equal(t, []string{"one", "one"}, stores.Secrets.Asked(), "what was read beside is taken")
		require.Equal(t, []string{"one", "one"}, second.Secrets.Asked())
		require.Equal(t, `{"a":"1","b":"2"}`, answer(t, r))
	})
}
