package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 4.
func TestMultiKeyFetchesOneSecret(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "under its secret-path for agent",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k","b":"k","c":"other"}`,
			secrets: secrets{"p": {"k": "v"}, "k": {"k": "wrong"}, guid: {"c": "wrong"}, "other": {"other": "wrong"}},
			asked:   []string{"p"},
			want:    `{"credentialSource":"agent","secret-path":"p","a":"v","b":"v","c":"other"}`,
		},
		{
			name:    "under the GUID for direct, with any secret-path",
			config:  `{"secret-path":"p","a":"k"}`,
			secrets: secrets{guid: {"a": "v"}, "p": {"a": "wrong"}},
			asked:   []string{guid},
			want:    `{"secret-path":"p","a":"v"}`,
		},
		{
			name:    "under a path that is no valid lookup name",
			config:  `{"credentialSource":"agent","secret-path":"/data base/../x?y#z%20","a":"k"}`,
			secrets: secrets{"/data base/../x?y#z%20": {"k": "v"}},
			asked:   []string{"/data base/../x?y#z%20"},
			want:    `{"credentialSource":"agent","secret-path":"/data base/../x?y#z%20","a":"v"}`,
		},
	})
}

func TestAMissingBundleAddsNothingToADirectCredential(t *testing.T) {
	const config = `{"b":"x","a":{"z":null}}`
	testResolutions(t, []resolution{
		{name: "it does not exist", config: config, asked: []string{guid}, want: config},
		{name: "it has no entries", config: config, secrets: secrets{guid: {}}, want: config},
		{name: "its entry is empty", config: config, secrets: secrets{guid: {"b": ""}}, want: config},
		{name: "all its entries are empty", config: config, secrets: secrets{guid: {"b": "", "c": ""}}, want: config},
		{name: "its one entry is an empty object", config: config, secrets: secrets{guid: {"b": "{}"}}, want: config},
		{name: "its one entry is an object of empty values", config: config, secrets: secrets{guid: {"x": `{"b":null,"c":""}`}}, want: config},
	})
}

func TestAMissingBundleOfAnAgentCredentialIsNotFound(t *testing.T) {
	missing := func(name string, held secrets) resolution {
		return resolution{
			name: name, config: `{"credentialSource":"agent","secret-path":"p","a":"k"}`, secrets: held,
			asked: []string{"p"}, kind: credential.NotFound, reason: `there is no secret under its "secret-path"`,
		}
	}
	testResolutions(t, []resolution{
		missing("it does not exist", secrets{"k": {"k": "v"}, guid: {"a": "v"}}),
		missing("it has no entries", secrets{"p": {}}),
		missing("its entry is empty", secrets{"p": {"k": ""}}),
		missing("all its entries are empty", secrets{"p": {"k": "", "l": ""}}),
		missing("its one entry is an empty object", secrets{"p": {"k": "{}"}}),
		missing("its one entry is an object of empty values", secrets{"p": {"k": `{"k":null,"l":""}`}}),
	})
}

func TestMissingAgentBundleIsNotFoundIfUnresolvedAllowed(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"p","a":"k"}`)
	options := stores.Options()
	options.AllowUnresolved = true
	failure := failed(t, resolver.New(options))
	assert.Equal(t, credential.NotFound, failure.Kind)
	assert.Equal(t, credential.Reference("p"), failure.Reference)
	assert.Equal(t, "secretStore", failure.Store)
}

func TestBundleWithOneEntryIsUsed(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "false in an object",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k"}`,
			secrets: secrets{"p": {"x": `{"k":false,"l":null}`}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":false}`,
		},
		{
			name:    "one entry beside empty ones, which multi-key keeps",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k","b":"l"}`,
			secrets: secrets{"p": {"k": "", "l": "v"}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":"","b":"v"}`,
		},
		{
			name:    "white space",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k"}`,
			secrets: secrets{"p": {"k": " "}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":" "}`,
		},
	})
}
