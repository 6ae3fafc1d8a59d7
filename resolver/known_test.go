package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 8: a secret that has disappeared is not a literal.
func TestKnownSecretThatDisappearsIsNotFound(t *testing.T) {
	for _, place := range []struct{ name, config, secret string }{
		{"a looked-up value", `{"credentialSource":"agent","a":"k","b":"other"}`, "k"},
		{"a looked-up value in extra", `{"credentialSource":"agent","b":"other","extra":{"a":"k"}}`, "k"},
		{"the bundle of an agent credential", `{"credentialSource":"agent","secret-path":"p","a":"k"}`, "p"},
		{"the bundle of a direct credential", `{"a":"k"}`, guid},
	} {
		for _, gone := range []struct {
			name string
			lose func(s *resolvertest.Secrets)
		}{
			{"deleted", func(s *resolvertest.Secrets) { s.Delete(place.secret) }},
			{"without entries", func(s *resolvertest.Secrets) { s.Put(place.secret, nil) }},
			{"with empty entries", func(s *resolvertest.Secrets) { s.Put(place.secret, map[string]string{"k": "", "x": ""}) }},
			{"with an object of empty values", func(s *resolvertest.Secrets) { s.Put(place.secret, map[string]string{"k": `{"a":null}`}) }},
		} {
			t.Run(place.name+" is "+gone.name, func(t *testing.T) {
				stores := resolvertest.New(t)
				stores.Configs.Put(guid, place.config)
				stores.Secrets.Put("other", map[string]string{"other": "w"})
				stores.Secrets.Put(place.secret, map[string]string{"k": "v"})
				r := stores.Resolver()
				before := answer(t, r)

				gone.lose(stores.Secrets)
				failure := failed(t, r)
				assert.Equal(t, credential.NotFound, failure.Kind)
				assert.Equal(t, "secretStore", failure.Store)
				assert.Equal(t, credential.Reference(place.secret), failure.Reference)
				assert.Contains(t, failure.Error(), "no longer exists in the secret store")
				assert.Equal(t, credential.NotFound, failed(t, r).Kind, "it stays NotFound")

				stores.Secrets.Put(place.secret, map[string]string{"k": "v"})
				assert.Equal(t, before, answer(t, r), "the secret is back")
			})
		}
	}
}

func TestValueThatWasNeverASecretStaysLiteral(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k","b":"literal"}`)
	stores.Secrets.Put("k", map[string]string{"k": "v"})
	r := stores.Resolver()
	for range 3 {
		assert.Equal(t, `{"credentialSource":"agent","a":"v","b":"literal"}`, answer(t, r))
	}
}

func TestKnownSecretsAreNotSharedByProcesses(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k","b":"l"}`)
	stores.Secrets.PutAll(secrets{"k": {"k": "v"}, "l": {"l": "w"}})
	answer(t, stores.Resolver())

	stores.Secrets.Delete("l")
	assert.Equal(t, `{"credentialSource":"agent","a":"v","b":"l"}`, answer(t, stores.Resolver()))
}

func TestKnownSecretsAreSharedByCredentials(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put("first", `{"credentialSource":"agent","a":"k"}`)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"l","b":"k"}`)
	stores.Secrets.PutAll(secrets{"k": {"k": "v"}, "l": {"l": "w"}})
	r := stores.Resolver()
	_, err := r.Resolve(t.Context(), "first")
	require.NoError(t, err)

	stores.Secrets.Delete("k")
	assert.Equal(t, credential.NotFound, failed(t, r).Kind)
}

func TestSecretOfAFailedResolutionIsKnown(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k"}`)
	stores.Secrets.Put("k", map[string]string{"x": "1", "y": "2"})
	r := stores.Resolver()
	assert.Equal(t, credential.FailedPrecondition, failed(t, r).Kind, "nothing replaced")

	stores.Secrets.Delete("k")
	assert.Equal(t, credential.NotFound, failed(t, r).Kind)
}

func TestKnownSecretsAreNotSharedByStores(t *testing.T) {
	stores, second := resolvertest.New(t), resolvertest.New(t)
	stores.Configs.Put("second", `{"credentialSource":"agent","a":"k","credential-resolver":{"secretStore":"second"}}`)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"l","b":"k"}`)
	second.Secrets.Put("k", map[string]string{"k": "v"})
	stores.Secrets.Put("l", map[string]string{"l": "w"})
	options := stores.Options()
	options.Known = resolver.NewKnown()
	options.Named = map[string]resolver.NamedSecrets{"second": {Store: second.Secrets}}
	r := resolver.New(options)
	_, err := r.Resolve(t.Context(), "second")
	require.NoError(t, err)
	assert.Equal(t, `{"credentialSource":"agent","a":"w","b":"k"}`, answer(t, r), "a literal in this store")
}
