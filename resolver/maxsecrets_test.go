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

// distinct is a list of n values, each another one.
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
		most   int // zero: the default
		asked  int // zero: none, and it is refused
	}{
		"looked up, as many as may be":         {agent + distinct(256, `"s%d"`) + `}`, 0, 256},
		"one more":                             {agent + distinct(257, `"s%d"`) + `}`, 0, 0},
		"50,000":                               {agent + distinct(50_000, `"s%d"`) + `}`, 0, 0},
		"in extra":                             {agent + `,"extra":{` + distinct(257, `"s%d"`)[1:] + `}}`, 0, 0},
		"of a metadata's number":               {agent + distinct(3, `"s%d"`) + `}`, 3, 3},
		"more than that":                       {agent + distinct(4, `"s%d"`) + `}`, 3, 0},
		"the same one again":                   {agent + `,` + many(1000, `"s1"`) + `}`, 1, 1},
		"values that are no names":             {agent + distinct(300, `"no name %d"`) + `,"a":"s1"}`, 1, 1},
		"references, as many as may be":        {two + distinct(256, ref) + `}`, 0, 256},
		"one reference more":                   {two + distinct(257, ref) + `}`, 0, 0},
		"40,000 references":                    {two + distinct(30_000, ref)[:1<<20-200] + `"}}}`, 0, 0},
		"references in a text":                 {two + `,"a":"` + strings.ReplaceAll(distinct(4, `${s%d}`), `"`, "") + `"}`, 3, 0},
		"references to the same one":           {two + `,` + many(1000, `"${s1}"`) + `}`, 1, 1},
		"references to two entries":            {two + `,"a":"${s1#k}${s1#l}"}`, 1, 1},
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

// What was learned makes room for no more: else a credential would be there and gone.
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
		require.Empty(c.T, askedNames(c, &seen), "nor is anything read ahead, for a config that it no longer has")
	})
}

func down() resolvertest.Hook {
	return resolvertest.Fail(&credential.StoreError{Kind: credential.Unavailable, Err: errors.New("down")})
}

// A retry asks for what is not known yet, and for nothing again.
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
			require.Greater(c.T, len(c.Secrets.Asked()), 101-8, "by their names, the failing one at last")
			for range 3 {
				c.Pass(5 * time.Second)
				seen := len(c.Secrets.Asked())
				_ = c.Ask("g")
				c.Pass(1)
				again := askedNames(c, &seen)
				require.Contains(c.T, again, "zz")
				require.LessOrEqual(c.T, len(again), 8, "and what it broke off")
			}
			c.Secrets.Before("zz", nil)
			c.Secrets.Put("zz", map[string]string{"value": "one"})
			c.Pass(5 * time.Second)
			require.Equal(c.T, "one", c.Ask("g"))
		})
	}
}

// A secret that is gone is none of the literals that a failure teaches (step 8).
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
