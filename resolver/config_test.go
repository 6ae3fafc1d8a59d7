package resolver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 1.
func TestAConfigThatIsNotAnObjectIsRefused(t *testing.T) {
	const notJSON, notObject, notUTF8 = "not valid JSON", "not a JSON object", "not valid UTF-8"
	for _, row := range []struct{ name, config, reason string }{
		{"an array", `[{"a":1}]`, notObject},
		{"a string", `"agent"`, notObject},
		{"a number", `7`, notObject},
		{"true", `true`, notObject},
		{"null", `null`, notObject},
		{"nothing", ``, notJSON},
		{"white space", " \n\t", notJSON},
		{"not JSON", `password=abc`, notJSON},
		{"cut off in its fields", `{"a":1,`, notJSON},
		{"cut off in a value", `{"a":{"b":1}`, notJSON},
		{"a name without a value", `{"a"}`, notJSON},
		{"a name that is not a string", `{1:2}`, notJSON},
		{"a comma too many", `{"a":1,}`, notJSON},
		{"a comma at the start", `{,"a":1}`, notJSON},
		{"single quotes", `{'a':'b'}`, notJSON},
		{"a comment", `{"a":1 /* b */}`, notJSON},
		{"a number with a leading zero", `{"a":01}`, notJSON},
		{"NaN, which Python writes", `{"a":NaN}`, notJSON},
		{"a line feed in a string", "{\"a\":\"b\nc\"}", notJSON},
		{"an escape that JSON does not have", `{"a":"\x41"}`, notJSON},
		{"two objects", `{"a":1}{"b":2}`, notJSON},
		{"words after the object", `{"a":1} b`, notJSON},
		{"a bracket after the object", `{"a":1}}`, notJSON},
		{"two byte order marks", "\ufeff\ufeff{}", notJSON},
		{"UTF-16", "\xff\xfe{\x00}\x00", "its config is UTF-16: save it as UTF-8"},
		{"a value that is not UTF-8", "{\"a\":\"\xff\xfe\"}", notUTF8},
		{"a name that is not UTF-8", "{\"\xc3\x28\":1}", notUTF8},
		{"a surrogate encoded as UTF-8", "{\"a\":\"\xed\xa0\x80\"}", notUTF8},
		{"a lone high surrogate", `{"a":"\ud800"}`, notJSON},
		{"a lone low surrogate", `{"a":"\udc00b"}`, notJSON},
		{"surrogates in the wrong order", `{"a":"\udc00\ud800"}`, notJSON},
		{"a lone surrogate in a name", `{"\ud800":1}`, notJSON},
		{"a lone surrogate deep down", `{"a":[{"b":"\udfff"}]}`, notJSON},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.Put(guid, map[string]string{"a": "b"})

			failure := failed(t, stores.Resolver())

			assert.Equal(t, credential.FailedPrecondition, failure.Kind)
			assert.Contains(t, failure.Error(), row.reason)
			assert.Empty(t, stores.Secrets.Asked())
		})
	}
}

func TestAConfigOfOneMiBIsTheLargest(t *testing.T) {
	sized := func(size int) string {
		return `{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}`
	}
	stores := resolvertest.New(t)

	stores.Configs.Put(guid, sized(1<<20))
	assert.Len(t, answer(t, stores.Resolver()), 1<<20)

	stores.Configs.Put(guid, sized(1<<20+1))
	failure := failed(t, stores.Resolver())
	assert.Equal(t, credential.FailedPrecondition, failure.Kind)
	assert.Contains(t, failure.Error(), "larger than 1 MiB")

	stores.Configs.Put(guid, "{}"+strings.Repeat(" ", 1<<20))
	assert.Equal(t, credential.FailedPrecondition, failed(t, stores.Resolver()).Kind, "white space counts")
}

func TestACredentialWithoutAConfigIsNotFound(t *testing.T) {
	for _, row := range []struct {
		name    string
		secrets secrets
	}{
		{"nowhere", nil},
		{"also when a secret of that name exists", secrets{guid: {"password": "s3cret"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Secrets.PutAll(row.secrets)

			failure := failed(t, stores.Resolver())

			assert.Equal(t, credential.NotFound, failure.Kind)
			assert.Contains(t, failure.Error(), "no such credential")
			assert.Equal(t, []string{guid}, stores.Configs.Asked())
			assert.Empty(t, stores.Secrets.Asked())
		})
	}
}

func TestParseConfigReadsSourceAndSecretPath(t *testing.T) {
	c, err := credential.ParseConfig([]byte(`{"z":1,"credentialSource":"agent","credential-resolver":{},"secret-path":"a/b"}`))
	require.NoError(t, err)
	assert.Equal(t, credential.SourceAgent, c.Source)
	assert.False(t, c.SourceUnknown)
	assert.Equal(t, "a/b", c.SecretPath)
	assert.Equal(t, credential.MultiKey, c.Mode())
	assert.Equal(t, `{"z":1,"credentialSource":"agent","secret-path":"a/b"}`, resolvertest.JSON(t, c.Fields))
}

// A config that parses may still not resolve. Check reports that when the config is stored.
func TestCheckReportsUnresolvableConfigs(t *testing.T) {
	for _, row := range []struct{ config, reason string }{
		{`{"secret-path":1}`, `its "secret-path" is neither a string nor null`},
		{`{"credentialSource":"agent","secret-path":[]}`, `its "secret-path" is neither a string nor null`},
		{`{"credential-resolver":1}`, `its "credential-resolver" is not an object`},
		{`{"credential-resolver":{"references":"x"}}`, `"references" in its "credential-resolver" is not "explicit"`},
		{`{"credential-resolver":{"references":"explicit"},"a":["${"]}`, `its field "a[0]" has a "${…}" that is not closed by "}" (for a literal "${", write "$${")`},
	} {
		c, err := credential.ParseConfig([]byte(row.config))
		require.NoError(t, err, row.config)
		err = c.Check()
		assert.ErrorIs(t, err, credential.FailedPrecondition, row.config)
		assert.EqualError(t, err, "credential: "+row.reason)
	}
	for _, config := range []string{
		`{}`, `{"credentialSource":7,"secret-path":null,"credential-resolver":{}}`, `{"secret-path":""}`,
		`{"secret-path":7,"credential-resolver":{"references":"explicit"}}`,
	} {
		c, err := credential.ParseConfig([]byte(config))
		require.NoError(t, err, config)
		assert.NoError(t, c.Check(), config)
	}
}

func TestParseConfigFailsWithoutAGUID(t *testing.T) {
	_, err := credential.ParseConfig([]byte(`[]`))
	var failure *credential.Error
	require.ErrorAs(t, err, &failure)
	assert.ErrorIs(t, err, credential.FailedPrecondition)
	assert.Empty(t, failure.GUID)
	assert.Equal(t, "credential: its config is not a JSON object", err.Error())
}

func TestByteOrderMarkBeforeAConfigIsSkipped(t *testing.T) {
	config, err := credential.ParseConfig([]byte("\ufeff{\"a\":\"b\"}"))
	require.NoError(t, err)
	assert.Equal(t, `{"a":"b"}`, resolvertest.JSON(t, config.Fields))
}

func TestJSONErrorPositionIsOnlyLogged(t *testing.T) {
	_, err := credential.ParseConfig([]byte("{\n \"a\": 1\n \"b\": 2}"))
	require.EqualError(t, err, "credential: its config is not valid JSON")
	require.Equal(t, "line 3, column 2", credential.RemedyOf(err))
}
