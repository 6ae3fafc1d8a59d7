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

// allowing returns a resolver that may ask the stores only for the named secrets.
func allowing(stores *resolvertest.Stores, names ...string) *resolver.Resolver {
	options := stores.Options()
	options.Allowed = func(name string) bool { return slices.Contains(names, name) }
	return resolver.New(options)
}

// Section 2, allowedSecrets.
func TestASecretThatIsNotAllowedIsNotAskedFor(t *testing.T) {
	held := secrets{
		guid: {"password": canary.Secret}, canary.Path: {canary.Reference: canary.Secret},
		canary.Reference: {canary.Reference: canary.Secret}, "fine": {"fine": "v"},
	}
	const (
		notAllowed = " a secret that metadata allowedSecrets does not allow"
		agent      = `"credentialSource":"agent"`
	)
	for _, row := range []struct{ name, config, want string }{
		{"direct", `{"a":"b"}`, "its GUID names" + notAllowed},
		{"a bundle", `{` + agent + `,"secret-path":"` + canary.Path + `","a":"b"}`, `its "secret-path" names` + notAllowed},
		{"a field", `{` + agent + `,"a":"fine","b":"` + canary.Reference + `"}`, `its field "b" asks for` + notAllowed},
		{
			"a field of extra", `{` + agent + `,"a":"fine","extra":{"c":"fine","d":"` + canary.Reference + `"}}`,
			`its field "extra.d" asks for` + notAllowed,
		},
		{"extra as a field", `{` + agent + `,"extra":"` + canary.Reference + `"}`, `its field "extra" asks for` + notAllowed},
		{
			"several: the error names the first in the config",
			`{` + agent + `,"z":"zz-` + canary.Literal + `","extra":{"b":"` + canary.Reference + `"},"a":"aa-` + canary.Literal + `"}`,
			`its field "z" asks for` + notAllowed,
		},
		{
			"a reference that occurs twice", `{` + agent + `,"a":"fine","extra":{"z":"` + canary.Reference + `"},"b":"` + canary.Reference + `"}`,
			`its field "extra.z" asks for` + notAllowed,
		},
		{"a value that is not a secret", `{` + agent + `,"a":"fine","b":"` + canary.Literal + `"}`, `its field "b" asks for` + notAllowed},
		{
			"a long field name is cut",
			`{` + agent + `,"` + strings.Repeat("n", 1000) + `":"` + canary.Reference + `"}`,
			`its field "` + strings.Repeat("n", 64) + `…" asks for` + notAllowed,
		},
		{
			"a field name with a line break", `{` + agent + `,"a\nb":"` + canary.Reference + `"}`,
			`its field "a\nb" asks for` + notAllowed,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.PutAll(held)
			r := allowing(stores, "fine")
			for range 10 {
				failure := failed(t, r)
				require.Equal(t, `credential "`+guid+`": `+row.want, failure.Error())
				assert.Equal(t, credential.Denied, failure.Kind)
				assert.Empty(t, failure.Store, "the error must not name a store, because no store refused")
				assert.NotEmpty(t, failure.Reference)
				assert.Empty(t, failure.Detail())
				assertRedactedError(t, failure)
			}
			assert.Empty(t, stores.Secrets.Asked(), "not even for those that are allowed")
		})
	}
}

func TestASecretThatIsAllowedIsAskedFor(t *testing.T) {
	held := secrets{guid: {"a": "1"}, "p": {"k": "2"}, "k": {"k": "3"}}
	for _, row := range []struct{ name, config, allowed, want string }{
		{"direct", `{}`, guid, `{"a":"1"}`},
		{"a bundle, whose entries need no permission", `{"credentialSource":"agent","secret-path":"p","a":"k"}`, "p", `{"credentialSource":"agent","secret-path":"p","a":"2"}`},
		{"a field", `{"credentialSource":"agent","a":"k"}`, "k", `{"credentialSource":"agent","a":"3"}`},
		{
			"a field beside values that cannot be names", `{"credentialSource":"agent","a":"k","b":"a literal","c":"50%","d":""}`, "k",
			`{"credentialSource":"agent","a":"3","b":"a literal","c":"50%","d":""}`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.PutAll(held)
			assert.Equal(t, row.want, answer(t, allowing(stores, row.allowed)))
			assert.Equal(t, []string{row.allowed}, stores.Secrets.Asked())
		})
	}
}

// A name that the store's own grammar excludes is never sent, whether allowed or not.
func TestInvalidNameNeedsNoPermission(t *testing.T) {
	for _, row := range []struct{ name, config, want string }{
		{"direct", `{"a":"b"}`, `{"a":"b"}`},
		{"a field", `{"credentialSource":"agent","a":"UPPER"}`, `{"credentialSource":"agent","a":"UPPER"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			options := stores.Options()
			options.Secrets = stores.Secrets.Named(func(string) bool { return false }, false)
			options.Allowed = func(string) bool { return false }
			assert.Equal(t, row.want, answer(t, resolver.New(options)))
		})
	}
}

func TestAllowedSecretsAreUnusedWithoutASecretStore(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k"}`)
	r := resolver.New(resolver.Options{Configs: stores.Configs, Allowed: func(string) bool { return false }})
	assert.Equal(t, `{"credentialSource":"agent","a":"k"}`, answer(t, r))
}
