package resolver_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// distinct returns n fields with distinct values.
func distinct(n int, value string) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"f%d":`+value, i, i)
	}
	return text.String()
}

func TestMaxSecretsIsEnforced(t *testing.T) {
	agent := `{"credentialSource":"agent"`
	two := `{"credential-resolver":{"references":"explicit"}`
	ref := `{"secretKeyRef":{"name":"s%d"}}`
	for name, tc := range map[string]struct {
		config string
		most   int // 0: the default
		asked  int // 0: refused before any store is asked
	}{
		"the default number of lookups":        {agent + distinct(256, `"s%d"`) + `}`, 0, 256},
		"one lookup more":                      {agent + distinct(257, `"s%d"`) + `}`, 0, 0},
		"50,000":                               {agent + distinct(50_000, `"s%d"`) + `}`, 0, 0},
		"too many in extra":                    {agent + `,"extra":{` + distinct(257, `"s%d"`)[1:] + `}}`, 0, 0},
		"the configured number":                {agent + distinct(3, `"s%d"`) + `}`, 3, 3},
		"one more than configured":             {agent + distinct(4, `"s%d"`) + `}`, 3, 0},
		"one value many times":                 {agent + `,` + many(1000, `"s1"`) + `}`, 1, 1},
		"values that cannot be names":          {agent + distinct(300, `"no name %d"`) + `,"a":"s1"}`, 1, 1},
		"the default number of references":     {two + distinct(256, ref) + `}`, 0, 256},
		"one reference more":                   {two + distinct(257, ref) + `}`, 0, 0},
		"40,000 references":                    {two + distinct(30_000, ref)[:1<<20-200] + `"}}}`, 0, 0},
		"references in a text":                 {two + `,"a":"` + strings.ReplaceAll(distinct(4, `${s%d}`), `"`, "") + `"}`, 3, 0},
		"many references to one secret":        {two + `,` + many(1000, `"${s1}"`) + `}`, 1, 1},
		"references to two entries of one":     {two + `,"a":"${s1#k}${s1#l}"}`, 1, 1},
		"references to one name in two stores": {two + `,"a":"${s1}","b":{"secretKeyRef":{"name":"s1","store":"second"}}}`, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "40,000 references" {
				tc.config = two + distinct(40_000, `"${%x}"`) + `}`
			}
			stores, second := resolvertest.New(t), resolvertest.New(t)
			for i := range 300 {
				stores.Secrets.Put(fmt.Sprint("s", i), map[string]string{"k": "v", "l": ""})
			}
			stores.Configs.Put(guid, tc.config)
			opts := stores.Options()
			opts.MaxSecrets = tc.most
			opts.Named = map[string]resolver.NamedSecrets{"second": {Store: second.Secrets}}
			_, err := resolver.New(opts).Resolve(t.Context(), guid)
			require.Len(t, stores.Secrets.Asked(), tc.asked)
			require.Empty(t, second.Secrets.Asked())
			if tc.asked > 0 {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, credential.FailedPrecondition)
			require.ErrorContains(t, err, `credential "`+guid+`": it may ask for more than `)
			require.ErrorContains(t, err, "metadata maxSecrets", "the remedy")
		})
	}
}

// Cached literals must not make room for more secrets. Otherwise the credential would resolve
// at some times and fail at others.
func TestMaxSecretsCountsCachedLiterals(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		opts := c.Options()
		opts.Cache, opts.MaxSecrets = c.Opts, 2
		few := &resolvertest.Cached{Stores: c.Stores, Handler: c.Cache.Over(resolver.New(opts), resolver.DefaultTimeout), T: c.T}
		defer few.Close()
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		config := `{"credentialSource":"agent","user":"u","password":"ref"`
		c.Configs.Put("g", config+`}`)
		require.Equal(c.T, "one", few.Ask("g"))
		c.Configs.Put("g", config+`,"host":"db"}`)
		c.Pass(time.Minute)
		require.Equal(c.T, credential.FailedPrecondition.Error(), few.Ask("g"))
		c.Pass(1)
		seen := len(c.Secrets.Asked())
		for range 3 {
			c.Pass(time.Minute)
			require.Equal(c.T, credential.FailedPrecondition.Error(), few.Ask("g"))
		}
		require.Empty(c.T, askedNames(c, &seen), "nothing is prefetched for the failed config")
	})
}

func down() resolvertest.Hook {
	return resolvertest.Fail(&credential.StoreError{Kind: credential.Unavailable, Err: errors.New("down")})
}

// A retry asks only for values that are not known yet.
func TestLiteralIsLearnedThoughAnotherLookupFails(t *testing.T) {
	for _, hook := range []resolvertest.Hook{
		down(),
		resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("no")}),
		resolvertest.Block(),
		resolvertest.Panic("at the disco"),
	} {
		resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
			c.Configs.Put("g", `{"credentialSource":"agent"`+distinct(100, `"literal-%d"`)+`,"password":"zz"}`)
			c.Secrets.Before("zz", hook)
			_ = c.Ask("g")
			require.Greater(c.T, len(c.Secrets.Asked()), 101-8, "lookups are in the order of names, so the failing one is last")
			for range 3 {
				c.Pass(5 * time.Second)
				seen := len(c.Secrets.Asked())
				_ = c.Ask("g")
				c.Pass(1)
				again := askedNames(c, &seen)
				require.Contains(c.T, again, "zz")
				require.LessOrEqual(c.T, len(again), 8, "only the failing lookup and the cancelled ones")
			}
			c.Secrets.Before("zz", nil)
			c.Secrets.Put("zz", map[string]string{"value": "one"})
			c.Pass(5 * time.Second)
			require.Equal(c.T, "one", c.Ask("g"))
		})
	}
}

// A secret that has disappeared is not a literal, so a failed resolution must not teach it as
// one (step 8).
func TestFailureTeachesNoDisappearedSecret(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","user":"u","password":"ref"}`)
		c.Secrets.Put("u", map[string]string{"value": "user"})
		c.Secrets.Put("ref", map[string]string{"value": "one"})
		require.Equal(c.T, "one", c.Ask("g"))
		c.Secrets.Delete("ref")
		c.Secrets.Before("u", down())
		c.Pass(time.Hour + time.Minute)
		for range 3 {
			require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
			c.Pass(time.Minute)
		}
		c.Secrets.Before("u", nil)
		require.Equal(c.T, credential.NotFound.Error(), c.Ask("g"))
	})
}
