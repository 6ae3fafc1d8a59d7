package component_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// everyKind has a value of each JSON kind, with unusual formatting and not in alphabetical
// order.
const everyKind = `{
	"username": "Jos\u00e9 \"<&>\"\n", "port": 5432, "ratio": 12.50, "big": 12345678901234567890, "tiny": 1E-7, "zero": -0,
	"tls": true, "old": false, "nothing": null, "blank": "",
	"extra": { "token" : "t", "list": [ 1, 2.0, null ], "deep": { "z": 1, "a": "\u00e9" } },
	"hosts": [ "b", "a", { "x" : null } ], "none": {}, "bare": []
}`

// credentialOf returns a finished credential with these fields.
func credentialOf(t testing.TB, fields string) *credential.Credential {
	t.Helper()
	return &credential.Credential{GUID: "some-guid", Fields: resolvertest.Parse(t, fields)}
}

func flat(fields ...string) component.Request {
	return component.Request{Format: component.Flat, Fields: fields}
}

func TestAFlatAnswerIsOneEntryAField(t *testing.T) {
	data, err := component.Encode(credentialOf(t, everyKind), flat())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"username": "José \"<&>\"\n",
		"port":     "5432", "ratio": "12.50", "big": "12345678901234567890", "tiny": "1E-7", "zero": "-0",
		"tls": "true", "old": "false", "blank": "",
		"extra": `{"token":"t","list":[1,2.0,null],"deep":{"z":1,"a":"\u00e9"}}`,
		"hosts": `["b","a",{"x":null}]`, "none": "{}", "bare": "[]",
	}, data, "null is left out")
}

func TestAFlatAnswerOfNothingIsEmpty(t *testing.T) {
	for _, fields := range []string{`{}`, `{"a":null}`} {
		data, err := component.Encode(credentialOf(t, fields), flat())
		require.NoError(t, err)
		assert.Empty(t, data)
	}
}

func TestAFlatAnswerOfSomeFields(t *testing.T) {
	cases := map[string]struct {
		fields string
		asked  []string
		want   map[string]string
	}{
		"has only those": {everyKind, []string{"port", "username"}, map[string]string{
			"port": "5432", "username": "José \"<&>\"\n",
		}},
		"has a nested one under its full path": {everyKind, []string{"extra.token", "extra.list"}, map[string]string{
			"extra.token": "t", "extra.list": "[1,2.0,null]",
		}},
		"has one that is nested deeper": {everyKind, []string{"extra.deep.z"}, map[string]string{"extra.deep.z": "1"}},
		"has an object and a field of it": {everyKind, []string{"extra.deep", "extra.deep.a"}, map[string]string{
			"extra.deep": `{"z":1,"a":"\u00e9"}`, "extra.deep.a": "é",
		}},
		"leaves out one that is null": {everyKind, []string{"nothing", "tls"}, map[string]string{"tls": "true"}},
		"has one whose own name has a dot": {`{"a.b":"literal"}`, []string{"a.b"}, map[string]string{
			"a.b": "literal",
		}},
		"prefers the field whose own name has the dot": {
			`{"a":{"b":"nested"},"a.b":"literal"}`, []string{"a.b"}, map[string]string{"a.b": "literal"},
		},
		"has a nested one whose own name has a dot": {`{"a":{"b.c":"v"}}`, []string{"a.b.c"}, map[string]string{"a.b.c": "v"}},
		"has one without a name":                    {`{"a":{"":"v"}}`, []string{"a."}, map[string]string{"a.": "v"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			data, err := component.Encode(credentialOf(t, tc.fields), flat(tc.asked...))
			require.NoError(t, err)
			assert.Equal(t, tc.want, data)
		})
	}
}

func TestAFieldThatDoesNotExistIsInvalid(t *testing.T) {
	cases := map[string]string{
		"an absent field":              "password",
		"a field in the wrong case":    "Username",
		"an absent field of an object": "extra.password",
		"a field of a string":          "username.first",
		"an element of an array":       "hosts.0",
		"a field of null":              "nothing.at",
		"a field of an absent field":   "no.such",
		"only a dot":                   ".",
	}
	for name, field := range cases {
		for _, format := range []component.Format{component.Flat, component.JSON} {
			t.Run(name+", "+string(format), func(t *testing.T) {
				data, err := component.Encode(credentialOf(t, everyKind),
					component.Request{Format: format, Fields: []string{"port", field}})
				require.ErrorIs(t, err, credential.InvalidRequest)
				require.EqualError(t, err, `credential "some-guid": it has no field "`+field+`"`)
				assert.Nil(t, data)
			})
		}
	}
}
