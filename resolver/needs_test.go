package resolver_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// asks are the options of a resolver with a second store, "other", whose names have no dots.
func asks(stores, other *resolvertest.Stores) resolver.Options {
	opts := stores.Options()
	opts.LiteralFields = []string{"host"}
	opts.Named = map[string]resolver.NamedSecrets{
		"other": {Store: other.Secrets.Named(func(name string) bool { return !strings.Contains(name, ".") }, false)},
	}
	return opts
}

func TestNeedsAreWhatAResolutionAsksFor(t *testing.T) {
	only := func(names ...string) func(*resolver.Options) {
		return func(o *resolver.Options) {
			allowed := map[string]bool{}
			for _, name := range names {
				allowed[name] = true
			}
			o.Allowed = func(name string) bool { return allowed[name] }
		}
	}
	for name, row := range map[string]struct {
		config string
		change func(*resolver.Options)
		want   []string // store/name, with "?" if the value may be a literal
		reason string   // of the error, if a resolution asks for nothing
	}{
		"bundle":                  {config: `{"credentialSource":"agent","secret-path":"b","password":"k"}`, want: []string{"/b"}},
		"direct":                  {config: `{"password":"k"}`, want: []string{"/guid-1"}},
		"direct, named store":     {config: `{"credential-resolver":{"secretStore":"other"}}`, want: []string{"other/guid-1"}},
		"direct, unknown source":  {config: `{"credentialSource":"x"}`, want: []string{"/guid-1"}},
		"single-key":              {config: `{"credentialSource":"agent","a":"x","extra":{"t":"y"},"again":"x"}`, want: []string{"/x?a", "/y?extra.t"}},
		"literal fields":          {config: `{"credentialSource":"agent","host":"h","a":"h2"}`, want: []string{"/h2?a"}},
		"the config's own fields": {config: `{"credentialSource":"agent","host":"h","a":"x","credential-resolver":{"lookupFields":["host"]}}`, want: []string{"/h?host"}},
		"no names":                {config: `{"credentialSource":"agent","a":"two words","b":"50%","c":"../up","n":1,"deep":{"x":"y"}}`},
		"the grammar of the store": {
			config: `{"credentialSource":"agent","a":"x.y","b":"z","credential-resolver":{"secretStore":"other"}}`, want: []string{"other/z?b"},
		},
		"references": {
			config: explicitly(`"a":{"secretKeyRef":{"name":"s","key":"k","version":""}}`), reason: `whose "version" has the wrong type`,
		},
		"explicit": {
			config: explicitly(`"a":{"secretKeyRef":{"name":"s","store":"other"}},"b":"x ${t#k} ${s} ${t#l}","c":[{"d":{"secretKeyRef":{"name":"s","optional":true}}}]`),
			want:   []string{"other/s", "/t", "/s"},
		},
		"a store that is not there": {config: explicitly(`"a":{"secretKeyRef":{"name":"s","store":"gone"}}`), reason: "names a store that is not in"},
		"not an object":             {config: `[]`, reason: "its config is"},
		"a bundle without a name":   {config: `{"credentialSource":"agent","secret-path":3}`, reason: `neither a string nor null`},
		"not allowed, bundle":       {config: `{"credentialSource":"agent","secret-path":"b"}`, change: only("c"), reason: "allowedSecrets"},
		"not allowed, direct":       {config: `{}`, change: only("c"), reason: "allowedSecrets"},
		"not allowed, looked up":    {config: `{"credentialSource":"agent","a":"c","b":"d"}`, change: only("c"), reason: `its field "b" asks for a secret`},
		"not allowed, a literal": {
			config: `{"credentialSource":"agent","a":"c","b":"d"}`, want: []string{"/c?a"},
			change: func(o *resolver.Options) { only("c")(o); o.DeniedIsLiteral = true },
		},
		"too many": {
			config: `{"credentialSource":"agent","a":"c","b":"d"}`, reason: "more than 1 secrets",
			change: func(o *resolver.Options) { o.MaxSecrets = 1 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			stores, other := resolvertest.New(t), resolvertest.New(t)
			opts := asks(stores, other)
			if row.change != nil {
				row.change(&opts)
			}
			r := resolver.New(opts)
			needs, err := r.Needs("guid-1", []byte(row.config))
			assert.Empty(t, append(stores.Secrets.Asked(), other.Secrets.Asked()...))
			stores.Configs.Put("guid-1", row.config)
			_, _ = r.Resolve(t.Context(), "guid-1")
			asked := []string{}
			for _, name := range stores.Secrets.Asked() {
				asked = append(asked, "/"+name)
			}
			for _, name := range other.Secrets.Asked() {
				asked = append(asked, "other/"+name)
			}
			if row.reason != "" {
				require.ErrorContains(t, err, row.reason)
				require.ErrorContains(t, err, "guid-1")
				assert.Empty(t, asked)
				return
			}
			require.NoError(t, err)
			got, names := []string{}, []string{}
			for _, need := range needs {
				at := need.Store + "/" + string(need.Secret)
				names = append(names, at)
				if need.LookedUp {
					at += "?" + need.Field
				}
				got = append(got, at)
			}
			assert.ElementsMatch(t, row.want, got)
			assert.ElementsMatch(t, asked, names, "a resolution must ask for the same")
		})
	}
}

func TestNeedsPrintNoNames(t *testing.T) {
	needs, err := resolvertest.New(t).Resolver().Needs(guid, []byte(`{"credentialSource":"agent","a":"`+canary.Secret+`"}`))
	require.NoError(t, err)
	require.Len(t, needs, 1)
	canary.AssertNone(t, fmt.Sprintf("%v %+v %#v", needs, needs, needs))
}

func TestEachNeedsGoesOnAfterABrokenConfig(t *testing.T) {
	stores := resolvertest.New(t)
	for i := range 40 {
		stores.Configs.Put(fmt.Sprintf("g%02d", i), `{"credentialSource":"agent","secret-path":"b"}`)
	}
	stores.Configs.Put("g07", `[]`)
	stores.Configs.Before("g08", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied}))
	stores.Configs.Before("g09", resolvertest.Fail(&credential.StoreError{Kind: credential.NotFound}))
	var read, failed []string
	require.NoError(t, stores.Resolver().EachNeeds(t.Context(), func(guid string, _ []resolver.Need, err error) error {
		if err != nil {
			failed = append(failed, guid)
		} else {
			read = append(read, guid)
		}
		return nil
	}))
	assert.Equal(t, []string{"g07", "g08"}, failed)
	assert.Len(t, read, 37, "g09 was deleted meanwhile")
	assert.IsIncreasing(t, read)
}

// configsOf is a store that makes a new config for each GUID.
type configsOf func() []byte

func (c configsOf) Config(context.Context, string) ([]byte, error) { return c(), nil }

func TestEachNeedsHoldsFewConfigs(t *testing.T) {
	text := `{"credentialSource":"agent","secret-path":"b","x":"` + strings.Repeat("x", 1<<19) + `"}`
	many := listing{ConfigStore: configsOf(func() []byte { return []byte(text) })}
	for i := range 600 {
		many.guids = append(many.guids, fmt.Sprintf("g%d", i))
	}
	r := resolver.New(resolver.Options{Configs: many, Secrets: resolvertest.New(t).Secrets})
	var most uint64
	seen := 0
	require.NoError(t, r.EachNeeds(t.Context(), func(_ string, needs []resolver.Need, err error) error {
		if seen++; seen%50 == 0 {
			runtime.GC()
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			most = max(most, memory.HeapAlloc)
		}
		assert.Len(t, needs, 1)
		return err
	}))
	assert.Equal(t, 600, seen)
	assert.Less(t, most, uint64(64<<20), "all configs have 300 MiB")
}
