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
	"credential-resolver/resolver/resolvertest"
)

const learnedConfig = `{"credentialSource":"agent","host":"db","user":"u","password":"ref"}`

// asked returns what the store of secrets was asked for since the last call.
func (c *cached) asked(seen *int) []string {
	all := c.Secrets.Asked()
	fresh := all[*seen:]
	*seen = len(all)
	return fresh
}

func TestALiteralIsNotAskedForAgainForAWhile(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		seen := 0
		c.Configs.Put("g", learnedConfig)
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		require.Equal(c.t, "one", c.ask("g"))
		require.ElementsMatch(c.t, []string{"db", "u", "ref"}, c.asked(&seen))
		for range 3 {
			c.pass(time.Minute)
			require.Equal(c.t, "one", c.ask("g"))
			require.Equal(c.t, []string{"ref"}, c.asked(&seen))
		}
		c.pass(time.Minute)
		require.Equal(c.t, "one", c.ask("g"))
		require.ElementsMatch(c.t, []string{"db", "u", "ref"}, c.asked(&seen), "after four times the TTL")

		c.Configs.Put("g", learnedConfig+" ")
		c.pass(time.Minute)
		require.Equal(c.t, "one", c.ask("g"))
		require.ElementsMatch(c.t, []string{"db", "u", "ref"}, c.asked(&seen), "an edit of the config forgets")

		c.pass(1)
		require.Equal(c.t, "one", c.password("g", resolver.Ask{Fresh: true}))
		require.ElementsMatch(c.t, []string{"db", "u", "ref"}, c.asked(&seen), "so does refresh")
	})
}

// The bound counts from when the secret came to be, for who asks at the worst time.
func TestASecretUnderALiteralsNameIsSeenInFiveTTLs(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"ref"}`)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		require.Equal(c.t, "ref", c.ask("g"))
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.pass(4*time.Minute - 1)
		require.Equal(c.t, "ref", c.ask("g"))
		c.pass(time.Minute)
		require.Equal(c.t, "one", c.ask("g"))
	})
}

// What could not be resolved is so for NegativeTTL, and what was refused may not be.
func TestOnlyACredentialTeachesLiterals(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","password":"ref"}`)
		require.Equal(c.t, resolver.FailedPrecondition.Error(), c.ask("g"))
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.pass(5 * time.Second)
		require.Equal(c.t, "one", c.ask("g"))
	})
	testCached(t, nil, func(c *cached) {
		opts := c.Options()
		opts.Cache, opts.DeniedIsLiteral = c.opts, true
		lenient := &cached{Stores: c.Stores, Cached: c.cache.Over(resolver.New(opts)), t: c.t}
		defer lenient.Close()
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"ref"}`)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.Secrets.Before("ref", resolvertest.Fail(&resolver.StoreError{Kind: resolver.Denied, Err: errors.New("no")}))
		require.Equal(c.t, "ref", lenient.ask("g"))
		c.Secrets.Before("ref", nil)
		c.pass(time.Minute)
		require.Equal(c.t, "one", lenient.ask("g"))
	})
}

func TestLiteralsOfManyConfigsAreRemembered(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		const configs = 4000
		ask := func() {
			for i := range configs {
				require.Equal(c.t, "one", c.ask(fmt.Sprint("g", i)))
			}
		}
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		for i := range configs {
			c.Configs.Put(fmt.Sprint("g", i), fmt.Sprintf(
				`{"credentialSource":"agent","host":"h%d","user":"u%d","db":"d%d","schema":"s%d","password":"ref"}`, i, i, i, i))
		}
		ask()
		before := len(c.Secrets.Asked())
		c.pass(time.Minute)
		ask()
		require.LessOrEqual(c.t, len(c.Secrets.Asked())-before, 3, "the secret alone")
	})
}

// A literal of one config that shows to be a secret by another is one at once.
func TestALiteralThatIsASecretElsewhereIsAskedFor(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.Configs.Put("g", learnedConfig)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		require.Equal(c.t, "ref", c.ask("g"))
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		c.Configs.Put("h", `{"credentialSource":"agent","password":"ref"}`)
		require.Equal(c.t, "one", c.ask("h"))
		c.pass(time.Minute)
		require.Equal(c.t, "one", c.ask("g"))
	})
}

func TestASecretThatIsGoneIsNoLiteral(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.Configs.Put("g", learnedConfig)
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		require.Equal(c.t, "one", c.ask("g"))
		c.Secrets.Delete("ref")
		c.pass(time.Minute)
		require.Equal(c.t, resolver.NotFound.Error(), c.ask("g"))
	})
}

// Once the bounds have passed, the answer is the plain resolver's, whatever has
// changed meanwhile; what is asked for fresh is so at once.
func TestTheCacheAnswersAsThePlainResolver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		testCached(t, nil, func(c *cached) { checkAgainstPlain(c, rt) })
	})
}

func checkAgainstPlain(c *cached, rt *rapid.T) {
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
		ask := resolver.Ask{}
		if rapid.Bool().Draw(rt, "fresh") {
			c.pass(1)
			ask.Fresh = true
		} else {
			c.pass(5*time.Minute + 1)
		}
		got, err := c.Resolve(c.t.Context(), guid, ask)
		opts := c.Options()
		opts.Known = c.known
		want, plain := resolver.New(opts).Resolve(c.t.Context(), guid)
		require.Equal(rt, plain == nil, err == nil, "%v, %v", plain, err)
		if plain != nil {
			require.Equal(rt, plain.Error(), err.Error())
			continue
		}
		require.Equal(rt, text(rt, want.Fields.AsValue()), text(rt, got.Fields.AsValue()))
	}
}

func TestConsistentReadsSeeAChangeInTheMiddle(t *testing.T) {
	consistent := func(o *resolver.CacheOptions) { o.Consistent = true }
	config := `{"credentialSource":"agent","user":"user-ref","password":"password-ref"}`
	rotate := func(c *cached, to string) {
		c.Secrets.Put("user-ref", map[string]string{"value": "user-" + to})
		c.Secrets.Put("password-ref", map[string]string{"value": "password-" + to})
	}
	testCached(t, consistent, func(c *cached) {
		c.Configs.Put("g", config)
		rotate(c, "old")
		// The rotation is between the two reads of the first reading.
		c.Secrets.Before("password-ref", func(context.Context) error {
			c.Secrets.Before("password-ref", nil)
			<-time.After(time.Second)
			rotate(c, "new")
			return nil
		})
		answer, err := c.Resolve(c.t.Context(), "g", resolver.Ask{})
		require.NoError(c.t, err)
		require.Equal(c.t, `{"credentialSource":"agent","user":"user-new","password":"password-new"}`,
			text(c.t, answer.Fields.AsValue()))
		require.Len(c.t, c.Configs.Asked(), 3)
	})
	testCached(t, consistent, func(c *cached) {
		c.Configs.Put("g", config)
		c.Secrets.Before(resolvertest.Any, func(context.Context) error { <-time.After(1); return nil })
		n := 0
		c.Configs.Before("g", func(context.Context) error {
			n++
			rotate(c, strings.Repeat("x", n))
			return nil
		})
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
		require.Len(c.t, c.Configs.Asked(), 3, "read again twice at the most")
	})
}
