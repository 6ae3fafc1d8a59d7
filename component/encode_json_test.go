package component_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/resolver/credential"
)

func json(fields ...string) component.Request {
	return component.Request{Format: component.JSON, Fields: fields}
}

func TestAnAnswerInJSONKeepsTypesOrderDigitsAndNull(t *testing.T) {
	data, err := component.Encode(credentialOf(t, everyKind), json())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"_value": `{` +
		`"username":"José \"<&>\"\n","port":5432,"ratio":12.50,"big":12345678901234567890,"tiny":1E-7,"zero":-0,` +
		`"tls":true,"old":false,"nothing":null,"blank":"",` +
		`"extra":{"token":"t","list":[1,2.0,null],"deep":{"z":1,"a":"\u00e9"}},` +
		`"hosts":["b","a",{"x":null}],"none":{},"bare":[]}`}, data)
}

func TestAnAnswerInJSONOfNothingIsTheEmptyObject(t *testing.T) {
	data, err := component.Encode(credentialOf(t, `{}`), json())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"_value": "{}"}, data)
}

func TestAnAnswerInJSONOfSomeFieldsHasTheirShape(t *testing.T) {
	cases := map[string]struct {
		fields string
		asked  []string
		want   string
	}{
		"in the credential's order":                  {everyKind, []string{"tls", "port"}, `{"port":5432,"tls":true}`},
		"a nested one in an object":                  {everyKind, []string{"extra.token", "username"}, `{"username":"José \"<&>\"\n","extra":{"token":"t"}}`},
		"two of one object, in its order":            {everyKind, []string{"extra.list", "extra.token"}, `{"extra":{"token":"t","list":[1,2.0,null]}}`},
		"one that is nested deeper":                  {everyKind, []string{"extra.deep.z"}, `{"extra":{"deep":{"z":1}}}`},
		"an object and a field of it: whole":         {everyKind, []string{"extra.deep.z", "extra"}, `{"extra":{"token":"t","list":[1,2.0,null],"deep":{"z":1,"a":"\u00e9"}}}`},
		"null":                                       {everyKind, []string{"nothing"}, `{"nothing":null}`},
		"one whose own name has a dot":               {`{"a.b":1,"c":2}`, []string{"a.b"}, `{"a.b":1}`},
		"the one whose own name has the dot, of two": {`{"a":{"b":1},"a.b":2}`, []string{"a.b"}, `{"a.b":2}`},
		"a nested one with a dot":                    {`{"a":{"b.c":1,"d":2}}`, []string{"a.b.c"}, `{"a":{"b.c":1}}`},
		"only the requested field, not one with the same prefix": {
			`{"a":{"b":{"c":1}},"a.b":{"c":2}}`, []string{"a.b.c"}, `{"a":{"b":{"c":1}}}`,
		},
		"the same nested field as in a flat answer": {
			`{"a":{"b.c":1,"b":{"c":2}}}`, []string{"a.b.c"}, `{"a":{"b.c":1}}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			data, err := component.Encode(credentialOf(t, tc.fields), json(tc.asked...))
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"_value": tc.want}, data)
		})
	}
}

// Substitution replaces a reference by a value. The object that contains it must then be
// encoded again.
func TestBuiltObjectIsEncodedLikeAParsedOne(t *testing.T) {
	inner := credential.NewObject(
		credential.Field{Name: "token", Value: credential.StringValue(`a"b`)},
		credential.Field{Name: "none"},
	)
	c := &credential.Credential{GUID: "g", Fields: credential.NewObject(
		credential.Field{Name: "extra", Value: inner.AsValue()},
	)}
	const want = `{"token":"a\"b","none":null}`

	data, err := component.Encode(c, flat())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"extra": want}, data)
	data, err = component.Encode(c, json())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"_value": `{"extra":` + want + `}`}, data)
	data, err = component.Encode(c, flat("extra.token"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"extra.token": `a"b`}, data)
}
