package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 2.
func TestTheSourceIsAgentOnlyIfItSaysExactlyThat(t *testing.T) {
	const known, unknown = false, true
	for _, row := range []struct {
		name, config string
		source       resolver.CredentialSource
		unknown      bool
	}{
		{"agent", `{"credentialSource":"agent"}`, resolver.SourceAgent, known},
		{"agent, written with an escape", `{"credentialSource":"\u0061gent"}`, resolver.SourceAgent, known},
		{"direct", `{"credentialSource":"direct"}`, resolver.SourceDirect, known},
		{"absent", `{}`, resolver.SourceDirect, known},
		{"null", `{"credentialSource":null}`, resolver.SourceDirect, known},
		{"empty", `{"credentialSource":""}`, resolver.SourceDirect, unknown},
		{"another case", `{"credentialSource":"Agent"}`, resolver.SourceDirect, unknown},
		{"direct in another case", `{"credentialSource":"DIRECT"}`, resolver.SourceDirect, unknown},
		{"a space before it", `{"credentialSource":" agent"}`, resolver.SourceDirect, unknown},
		{"a space behind it", `{"credentialSource":"agent "}`, resolver.SourceDirect, unknown},
		{"another word", `{"credentialSource":"vault"}`, resolver.SourceDirect, unknown},
		{"true", `{"credentialSource":true}`, resolver.SourceDirect, unknown},
		{"false", `{"credentialSource":false}`, resolver.SourceDirect, unknown},
		{"a number", `{"credentialSource":0}`, resolver.SourceDirect, unknown},
		{"an object", `{"credentialSource":{"agent":true}}`, resolver.SourceDirect, unknown},
		{"an array", `{"credentialSource":["agent"]}`, resolver.SourceDirect, unknown},
		{"the field's name in another case", `{"credentialsource":"agent"}`, resolver.SourceDirect, known},
		{"in extra, where it means nothing", `{"extra":{"credentialSource":"agent"}}`, resolver.SourceDirect, known},
		{"twice, of which the last counts", `{"credentialSource":"direct","credentialSource":"agent"}`, resolver.SourceAgent, known},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := resolver.ParseConfig([]byte(row.config))
			require.NoError(t, err)
			assert.Equal(t, row.source, c.Source)
			assert.Equal(t, row.unknown, c.SourceUnknown)

			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			var told []string
			options := stores.Options()
			options.OnUnknownSource = func(guid string) { told = append(told, guid) }
			_, err = resolver.New(options).Resolve(t.Context(), guid)
			require.NoError(t, err)
			if row.unknown {
				assert.Equal(t, []string{guid}, told)
			} else {
				assert.Empty(t, told)
			}
		})
	}
}

func TestAnUnknownSourceResolvesAsDirect(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "its bundle is the one under the GUID, whatever secret-path says",
			config:  `{"credentialSource":"Agent","secret-path":"db","password":"pw"}`,
			secrets: secrets{guid: {"password": "s3cret"}, "db": {"pw": "wrong"}, "pw": {"pw": "wrong"}},
			asked:   []string{guid},
			want:    `{"credentialSource":"Agent","secret-path":"db","password":"s3cret"}`,
		},
	})
}

// Section 4, step 3.
func TestTheModeIsMultiKeyForDirectAndForASecretPath(t *testing.T) {
	for _, row := range []struct {
		name, config, path string
		mode               resolver.SecretMode
	}{
		{"direct", `{"credentialSource":"direct"}`, "", resolver.MultiKey},
		{"no source", `{}`, "", resolver.MultiKey},
		{"an unknown source", `{"credentialSource":"x"}`, "", resolver.MultiKey},
		{"direct with a secret-path", `{"secret-path":"a/b"}`, "a/b", resolver.MultiKey},
		{"agent with a secret-path", `{"credentialSource":"agent","secret-path":"a/b"}`, "a/b", resolver.MultiKey},
		{"agent with a blank secret-path, which is not an empty one", `{"credentialSource":"agent","secret-path":" "}`, " ", resolver.MultiKey},
		{"agent with an empty secret-path", `{"credentialSource":"agent","secret-path":""}`, "", resolver.SingleKey},
		{"agent with a null secret-path", `{"credentialSource":"agent","secret-path":null}`, "", resolver.SingleKey},
		{"agent without a secret-path", `{"credentialSource":"agent"}`, "", resolver.SingleKey},
		{"agent with one in extra, where it means nothing", `{"credentialSource":"agent","extra":{"secret-path":"a"}}`, "", resolver.SingleKey},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := resolver.ParseConfig([]byte(row.config))
			require.NoError(t, err)
			assert.Equal(t, row.mode, c.Mode())
			assert.Equal(t, row.path, c.SecretPath)
		})
	}
}

func TestASecretPathThatIsNeitherStringNorNullIsRefused(t *testing.T) {
	for _, path := range []string{`true`, `false`, `0`, `{}`, `{"name":"a"}`, `[]`, `["a"]`} {
		for _, source := range []string{`"agent"`, `"direct"`, `null`} {
			t.Run(source+" with "+path, func(t *testing.T) {
				stores := resolvertest.New(t)
				stores.Configs.Put(guid, `{"credentialSource":`+source+`,"secret-path":`+path+`}`)
				failure := failed(t, stores.Resolver())
				assert.Equal(t, resolver.FailedPrecondition, failure.Kind)
				assert.Contains(t, failure.Error(), `its "secret-path" is neither a string nor null`)
				assert.Empty(t, stores.Secrets.Asked())
			})
		}
	}
}

func TestTheWordsForSourcesAndModes(t *testing.T) {
	assert.Equal(t, "direct", string(resolver.SourceDirect))
	assert.Equal(t, "agent", string(resolver.SourceAgent))
	assert.Equal(t, "multi-key", string(resolver.MultiKey))
	assert.Equal(t, "single-key", string(resolver.SingleKey))
}
