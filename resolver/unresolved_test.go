package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 2, unresolved.
func TestUnresolvedAgentCredentialIsRefusedUnlessAllowed(t *testing.T) {
	for _, row := range []struct {
		name, config string
		secrets      secrets
	}{
		{
			name:   "no value has a secret",
			config: `{"credentialSource":"agent","a":"k","extra":{"b":"l"}}`,
		},
		{
			name:    "no secret has an entry with a name from the config",
			config:  `{"credentialSource":"agent","a":"k"}`,
			secrets: secrets{"k": {"x": "1", "y": "2"}},
		},
		{
			name:    "the bundle has no entry with a name from the config",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k"}`,
			secrets: secrets{"p": {"x": "1"}},
		},
		{
			name:    "the bundle only names the secret-path, which does not count",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k"}`,
			secrets: secrets{"p": {"x": "1", "other": "2"}},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.PutAll(row.secrets)
			failure := failed(t, stores.Resolver())
			assert.Equal(t, credential.FailedPrecondition, failure.Kind)
			assert.Contains(t, failure.Error(), "unresolved: allow", "the remedy")

			options := stores.Options()
			options.AllowUnresolved = true
			assert.Equal(t, row.config, answer(t, resolver.New(options)))
		})
	}
}

func TestOneReplacedValueIsEnough(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "at the top",
			config:  `{"credentialSource":"agent","a":"k","b":"l"}`,
			secrets: secrets{"k": {"k": "v"}},
			want:    `{"credentialSource":"agent","a":"v","b":"l"}`,
		},
		{
			name:    "in extra",
			config:  `{"credentialSource":"agent","b":"l","extra":{"a":"k"}}`,
			secrets: secrets{"k": {"k": "v"}},
			want:    `{"credentialSource":"agent","b":"l","extra":{"a":"v"}}`,
		},
		{
			name:    "in a bundle",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k","b":"l"}`,
			secrets: secrets{"p": {"k": "v"}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":"v","b":"l"}`,
		},
		{
			name:    "a value that cannot be a name, but is an entry",
			config:  `{"credentialSource":"agent","a":"k","b":"a key"}`,
			secrets: secrets{"k": {"x": "1", "a key": "v"}},
			want:    `{"credentialSource":"agent","a":"k","b":"v"}`,
		},
		{
			name:    "a value that cannot be a name, but is in the bundle",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k","b":"a key"}`,
			secrets: secrets{"p": {"a key": "v"}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":"k","b":"v"}`,
		},
		{
			name:    "replaced by itself",
			config:  `{"credentialSource":"agent","a":"k"}`,
			secrets: secrets{"k": {"k": "k"}},
			want:    `{"credentialSource":"agent","a":"k"}`,
		},
	})
}

func TestInvalidNameCountsAsNothingToLookUp(t *testing.T) {
	const config = `{"credentialSource":"agent","a":"k"}`
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, config)
	options := stores.Options()
	options.Secrets = stores.Secrets.Named(func(name string) bool { return name != "k" }, false)
	assert.Equal(t, config, answer(t, resolver.New(options)))
}

func TestConfigWithNothingToLookUpIsUnchanged(t *testing.T) {
	same := func(name, config string, held secrets, asked ...string) resolution {
		if asked == nil {
			asked = []string{}
		}
		return resolution{name: name, config: config, secrets: held, asked: asked, want: config}
	}
	testResolutions(t, []resolution{
		same("no strings at all", `{"credentialSource":"agent","a":1}`, nil),
		same("only an empty string", `{"credentialSource":"agent","a":""}`, nil),
		same("only values that cannot be names", `{"credentialSource":"agent","a":"correct horse","b":"/x"}`, nil),
		same("no strings but a bundle", `{"credentialSource":"agent","secret-path":"p","a":1}`, secrets{"p": {"k": "v"}}, "p"),
		same("direct is never refused for that", `{"a":"k"}`, nil, guid),
	})
}
