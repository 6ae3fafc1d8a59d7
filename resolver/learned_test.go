package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

const learnedConfig = `{"credentialSource":"agent","host":"db","user":"u","password":"ref"}`

// askedNames returns the names that the secret store was asked for since the last call.
func askedNames(c *resolvertest.Cached, seen *int) []string {
	all := c.Secrets.Asked()
	fresh := all[*seen:]
	*seen = len(all)
	return fresh
}

func TestLiteralIsCached(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		seen := 0
		c.Configs.Put("g", learnedConfig)
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		require.Equal(c.T, "one", c.Ask("g"))
		require.ElementsMatch(c.T, []string{"db", "u", "ref"}, askedNames(c, &seen))
		for range 3 {
			c.Pass(time.Minute)
			require.Equal(c.T, "one", c.Ask("g"))
			require.Equal(c.T, []string{"ref"}, askedNames(c, &seen))
		}
		c.Pass(time.Minute)
		require.Equal(c.T, "one", c.Ask("g"))
		require.ElementsMatch(c.T, []string{"db", "u", "ref"}, askedNames(c, &seen), "four TTLs later, the literal is looked up again")

		c.Configs.Put("g", learnedConfig+" ")
		c.Pass(time.Minute)
		require.Equal(c.T, "one", c.Ask("g"))
		require.ElementsMatch(c.T, []string{"db", "u", "ref"}, askedNames(c, &seen), "a changed config forgets its literals")

		c.Pass(1)
		require.Equal(c.T, "one", c.Password("g", cache.Ask{Fresh: true}))
		require.ElementsMatch(c.T, []string{"db", "u", "ref"}, askedNames(c, &seen), "refresh forgets the literals")
	})
}

// However long the lookup took: the secret may have come to be just after it began.
func TestLiteralAgeCountsFromTheBeginningOfItsLookup(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"ref"}`)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		c.Secrets.Before("ref", resolvertest.OnlyTheFirst(takes(5*time.Second)))
		require.Equal(c.T, "ref", c.Ask("g"))
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.Pass(4*time.Minute - 5*time.Second)
		require.Equal(c.T, "one", c.Ask("g"))
	})
}

// The five TTLs count from the creation of the secret. The test requests the credential at the
// worst moment.
func TestNewSecretReplacesLiteralWithinFiveTTLs(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"ref"}`)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		require.Equal(c.T, "ref", c.Ask("g"))
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.Pass(4*time.Minute - 1)
		require.Equal(c.T, "ref", c.Ask("g"))
		c.Pass(time.Minute)
		require.Equal(c.T, "one", c.Ask("g"))
	})
}

// A failed resolution is cached only for NegativeTTL. It must not teach literals, because a
// refusal may end soon.
func TestOnlySuccessfulResolutionsTeachLiterals(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","password":"ref"}`)
		require.Equal(c.T, credential.FailedPrecondition.Error(), c.Ask("g"))
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.Pass(5 * time.Second)
		require.Equal(c.T, "one", c.Ask("g"))
	})
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		opts := c.Options()
		opts.Cache, opts.DeniedIsLiteral = c.Opts, true
		lenient := &resolvertest.Cached{Stores: c.Stores, Handler: c.Cache.Over(resolver.New(opts), resolver.DefaultTimeout), T: c.T}
		defer lenient.Close()
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"ref"}`)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.Secrets.Before("ref", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("no")}))
		require.Equal(c.T, "ref", lenient.Ask("g"))
		c.Secrets.Before("ref", nil)
		c.Pass(time.Minute)
		require.Equal(c.T, "one", lenient.Ask("g"))
	})
}

func TestLiteralsAreCachedForManyConfigs(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		const configs = 4000
		ask := func() {
			for i := range configs {
				require.Equal(c.T, "one", c.Ask(fmt.Sprint("g", i)))
			}
		}
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		for i := range configs {
			c.Configs.Put(fmt.Sprint("g", i), fmt.Sprintf(
				`{"credentialSource":"agent","host":"h%d","user":"u%d","db":"d%d","schema":"s%d","password":"ref"}`, i, i, i, i))
		}
		ask()
		before := len(c.Secrets.Asked())
		c.Pass(time.Minute)
		ask()
		require.LessOrEqual(c.T, len(c.Secrets.Asked())-before, 3, "only the real secret is looked up")
	})
}

// If one config treats a value as a literal and another finds a secret under it, the literal is
// forgotten at once.
func TestLiteralKnownAsASecretIsLookedUp(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", learnedConfig)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		require.Equal(c.T, "ref", c.Ask("g"))
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.Configs.Put("h", `{"credentialSource":"agent","password":"ref"}`)
		require.Equal(c.T, "one", c.Ask("h"))
		c.Pass(time.Minute)
		require.Equal(c.T, "one", c.Ask("g"))
	})
}

func TestDisappearedSecretIsNoLiteral(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", learnedConfig)
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		require.Equal(c.T, "one", c.Ask("g"))
		c.Secrets.Delete("ref")
		c.Pass(time.Minute)
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
	})
}

// After the time limits have passed, the cached answer must equal the answer of a resolver
// without a cache, whatever changed in between. A fresh request must give that answer at once.
func TestCacheAnswersLikeTheResolver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) { checkAgainstPlain(c, rt) })
	})
}

func checkAgainstPlain(c *resolvertest.Cached, rt *rapid.T) {
	names := []string{"k", "l", "m", "n", guid}
	for range rapid.IntRange(1, 8).Draw(rt, "steps") {
		switch rapid.IntRange(0, 3).Draw(rt, "change") {
		case 0:
			config := drawnConfig.Draw(rt, "config")
			if rapid.Bool().Draw(rt, "agent") {
				config = append(config, member{"credentialSource", "agent"})
			}
			c.Configs.Put(guid, jsonOf(config))
		case 1:
			c.Secrets.Delete(rapid.SampledFrom(names).Draw(rt, "gone"))
		default:
			drawnSecret(rt, c.Stores, rapid.SampledFrom(names).Draw(rt, "secret"))
		}
		ask := cache.Ask{}
		if rapid.Bool().Draw(rt, "fresh") {
			c.Pass(1)
			ask.Fresh = true
		} else {
			c.Pass(5*time.Minute + 1)
		}
		got, err := c.Resolve(c.T.Context(), guid, ask)
		opts := c.Options()
		opts.Known = c.Known
		want, plain := resolver.New(opts).Resolve(c.T.Context(), guid)
		require.Equal(rt, plain == nil, err == nil, "%v, %v", plain, err)
		if plain != nil {
			require.Equal(rt, plain.Error(), err.Error())
			continue
		}
		require.Equal(rt, text(rt, want.Fields.AsValue()), text(rt, got.Fields.AsValue()))
	}
}

func TestConsistentReadsDetectAChange(t *testing.T) {
	consistent := func(o *cache.Options) { o.Consistent = true }
	config := `{"credentialSource":"agent","user":"user-ref","password":"password-ref"}`
	rotate := func(c *resolvertest.Cached, to string) {
		c.Secrets.Put("user-ref", map[string]string{"value": "user-" + to})
		c.Secrets.Put("password-ref", map[string]string{"value": "password-" + to})
	}
	resolvertest.TestCached(t, consistent, func(c *resolvertest.Cached) {
		c.Configs.Put("g", config)
		rotate(c, "old")
		// The rotation happens between the two reads of the first attempt.
		c.Secrets.Before("password-ref", func(context.Context) error {
			c.Secrets.Before("password-ref", nil)
			<-time.After(time.Second)
			rotate(c, "new")
			return nil
		})
		answer, err := c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.Equal(c.T, `{"credentialSource":"agent","user":"user-new","password":"password-new"}`,
			text(c.T, answer.Fields.AsValue()))
		require.Len(c.T, c.Configs.Asked(), 3)
	})
	resolvertest.TestCached(t, consistent, func(c *resolvertest.Cached) {
		c.Configs.Put("g", config)
		c.Secrets.Before(resolvertest.Any, func(context.Context) error { <-time.After(1); return nil })
		n := 0
		c.Configs.Before("g", func(context.Context) error {
			n++
			rotate(c, strings.Repeat("x", n))
			return nil
		})
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
		require.Len(c.T, c.Configs.Asked(), 3, "at most two more attempts")
	})
}
