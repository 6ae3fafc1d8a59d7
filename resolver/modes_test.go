package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 2.
func TestSourceIsAgentOnlyIfExactlyAgent(t *testing.T) {
	const known, unknown = false, true
	for _, row := range []struct {
		name, config string
		source       credential.Source
		unknown      bool
	}{
		{"agent", `{"credentialSource":"agent"}`, credential.SourceAgent, known},
		{"agent, written with an escape", `{"credentialSource":"\u0061gent"}`, credential.SourceAgent, known},
		{"direct", `{"credentialSource":"direct"}`, credential.SourceDirect, known},
		{"absent", `{}`, credential.SourceDirect, known},
		{"null", `{"credentialSource":null}`, credential.SourceDirect, known},
		{"empty", `{"credentialSource":""}`, credential.SourceDirect, unknown},
		{"another case", `{"credentialSource":"Agent"}`, credential.SourceDirect, unknown},
		{"direct in another case", `{"credentialSource":"DIRECT"}`, credential.SourceDirect, unknown},
		{"a space before it", `{"credentialSource":" agent"}`, credential.SourceDirect, unknown},
		{"a space behind it", `{"credentialSource":"agent "}`, credential.SourceDirect, unknown},
		{"another word", `{"credentialSource":"vault"}`, credential.SourceDirect, unknown},
		{"true", `{"credentialSource":true}`, credential.SourceDirect, unknown},
		{"false", `{"credentialSource":false}`, credential.SourceDirect, unknown},
		{"a number", `{"credentialSource":0}`, credential.SourceDirect, unknown},
		{"an object", `{"credentialSource":{"agent":true}}`, credential.SourceDirect, unknown},
		{"an array", `{"credentialSource":["agent"]}`, credential.SourceDirect, unknown},
		{"the field's name in another case", `{"credentialsource":"agent"}`, credential.SourceDirect, known},
		{"in extra, where it means nothing", `{"extra":{"credentialSource":"agent"}}`, credential.SourceDirect, known},
		{"twice: the last one counts", `{"credentialSource":"direct","credentialSource":"agent"}`, credential.SourceAgent, known},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := credential.ParseConfig([]byte(row.config))
			require.NoError(t, err)
			assert.Equal(t, row.source, c.Source)
			assert.Equal(t, row.unknown, c.SourceUnknown)

			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			var reported reports
			options := stores.Options()
			options.Observer = &reported
			_, err = resolver.New(options).Resolve(t.Context(), guid)
			require.NoError(t, err)
			if row.unknown {
				assert.Equal(t, []string{guid}, reported.unknownSource)
			} else {
				assert.Empty(t, reported.unknownSource)
			}
		})
	}
}

func TestAnUnknownSourceResolvesAsDirect(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "its bundle is under the GUID, not under secret-path",
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
		mode               credential.SecretMode
	}{
		{"direct", `{"credentialSource":"direct"}`, "", credential.MultiKey},
		{"no source", `{}`, "", credential.MultiKey},
		{"an unknown source", `{"credentialSource":"x"}`, "", credential.MultiKey},
		{"direct with a secret-path", `{"secret-path":"a/b"}`, "a/b", credential.MultiKey},
		{"agent with a secret-path", `{"credentialSource":"agent","secret-path":"a/b"}`, "a/b", credential.MultiKey},
		{"agent with a secret-path of one space", `{"credentialSource":"agent","secret-path":" "}`, " ", credential.MultiKey},
		{"agent with an empty secret-path", `{"credentialSource":"agent","secret-path":""}`, "", credential.SingleKey},
		{"agent with a null secret-path", `{"credentialSource":"agent","secret-path":null}`, "", credential.SingleKey},
		{"agent without a secret-path", `{"credentialSource":"agent"}`, "", credential.SingleKey},
		{"agent with a secret-path in extra", `{"credentialSource":"agent","extra":{"secret-path":"a"}}`, "", credential.SingleKey},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := credential.ParseConfig([]byte(row.config))
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
				assert.Equal(t, credential.FailedPrecondition, failure.Kind)
				assert.Contains(t, failure.Error(), `its "secret-path" is neither a string nor null`)
				assert.Empty(t, stores.Secrets.Asked())
			})
		}
	}
}

func TestAConfigThatIsReadIsReported(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(secrets{"b": {"k": "v"}})
	options := stores.Options()
	var reported reports
	options.Observer = &reported
	r := resolver.New(options)
	for _, config := range []string{
		`{}`, `{"credentialSource":"x"}`, `{"credentialSource":"agent","secret-path":"b","a":"k"}`, `{"credentialSource":"agent"}`,
		`{"credentialSource":"agent","credential-resolver":{"references":"explicit"}}`,
	} {
		stores.Configs.Put(guid, config)
		answer(t, r)
	}
	assert.Equal(t, []string{
		guid + ": direct, multi-key", guid + ": direct, multi-key", guid + ": agent, multi-key", guid + ": agent, single-key",
		guid + ": agent, explicit",
	}, reported.configs)
}

func TestSourceAndModeNames(t *testing.T) {
	assert.Equal(t, "direct", string(credential.SourceDirect))
	assert.Equal(t, "agent", string(credential.SourceAgent))
	assert.Equal(t, "multi-key", string(credential.MultiKey))
	assert.Equal(t, "single-key", string(credential.SingleKey))
	assert.Equal(t, "explicit", string(credential.ModeExplicit))
}
