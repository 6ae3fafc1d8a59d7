package resolver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// only returns a function that allows only these names.
func only(names ...string) func(string) bool {
	return func(name string) bool { return slices.Contains(names, name) }
}

// Section 2: a named store has its own list, or uses the first store's list.
func TestEachStoreHasItsOwnAllowedSecrets(t *testing.T) {
	const (
		agent  = `"credentialSource":"agent"`
		second = `"credential-resolver":{"secretStore":"second"}`
		ref    = `{"secretKeyRef":{"name":"pw","store":"second"}}`
		plain  = `{"secretKeyRef":{"name":"pw"}}`
	)
	configs := map[string]string{
		"direct":                   `{}`,
		"direct, second":           `{` + second + `}`,
		"a bundle":                 `{` + agent + `,"secret-path":"pw","a":"value"}`,
		"a bundle, second":         `{` + agent + `,"secret-path":"pw","a":"value",` + second + `}`,
		"a field":                  `{` + agent + `,"a":"pw"}`,
		"a field, second":          `{` + agent + `,"a":"pw",` + second + `}`,
		"a reference":              explicitly(`"a":` + plain),
		"a reference, second":      explicitly(`"a":` + ref),
		"in a text, second":        `{"credential-resolver":{"references":"explicit","secretStore":"second"},"a":"${pw}"}`,
		"a reference of each":      explicitly(`"a":` + plain + `,"b":` + ref),
		"deep, second":             explicitly(`"a":[{"b":` + ref + `}]`),
		"with a default, second":   explicitly(`"a":{"secretKeyRef":{"name":"pw","store":"second","default":"x"}}`),
		"that is optional, second": explicitly(`"a":{"secretKeyRef":{"name":"pw","store":"second","optional":true}}`),
	}
	for _, row := range []struct {
		name          string
		first, second func(string) bool
		mayFirst      bool
		maySecond     bool
	}{
		{"no list", nil, nil, true, true},
		{"the first store's list, for both", only("pw", guid), nil, true, true},
		{"the first store's list refuses for both", only("none"), nil, false, false},
		{"only its own list", nil, only("none"), true, false},
		{"its own list is wider", only("none"), only("pw", guid), false, true},
		{"its own list is narrower", only("pw", guid), only("none"), true, false},
	} {
		for name, config := range configs {
			t.Run(row.name+": "+name, func(t *testing.T) {
				stores, named := resolvertest.New(t), resolvertest.New(t)
				held := secrets{"pw": {"value": canary.Secret}, guid: {"a": canary.Secret}}
				stores.Secrets.PutAll(held)
				named.Secrets.PutAll(held)
				stores.Configs.Put(guid, config)
				options := stores.Options()
				options.Allowed = row.first
				options.Named = map[string]resolver.NamedSecrets{"second": {Store: named.Secrets, Allowed: row.second}}
				may := row.mayFirst
				switch {
				case name == "a reference of each":
					may = row.mayFirst && row.maySecond
				case strings.HasSuffix(name, ", second"):
					may = row.maySecond
				}
				r := resolver.New(options)
				if may {
					assert.Contains(t, answer(t, r), canary.Secret)
					return
				}
				failure := failed(t, r)
				require.Equal(t, credential.Denied, failure.Kind)
				assert.Contains(t, failure.Reason, "that metadata allowedSecrets does not allow")
				assertRedactedError(t, failure)
				assert.Empty(t, slices.Concat(stores.Secrets.Asked(), named.Secrets.Asked()), "no store is asked")
			})
		}
	}
}

// With deniedProbe "literal", a name that the named store's list refuses is a literal.
func TestNamedStoreListWithDeniedProbeLiteral(t *testing.T) {
	stores, named := resolvertest.New(t), resolvertest.New(t)
	named.Secrets.PutAll(secrets{"pw": {"value": "found"}, "host": {"value": "never"}})
	stores.Configs.Put(guid, `{"credentialSource":"agent","h":"host","p":"pw","credential-resolver":{"secretStore":"second"}}`)
	options := stores.Options()
	options.Allowed, options.DeniedIsLiteral = only("host"), true
	options.Named = map[string]resolver.NamedSecrets{"second": {Store: named.Secrets, Allowed: only("pw")}}
	assert.Equal(t, `{"credentialSource":"agent","h":"host","p":"found"}`, answer(t, resolver.New(options)))
	assert.Equal(t, []string{"pw"}, named.Secrets.Asked())
}
