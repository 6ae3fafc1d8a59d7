package credential_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 7, for agent.
func TestAStringThatEqualsANameInTheSecretDataIsReplaced(t *testing.T) {
	for _, row := range []struct{ name, source, secrets, want string }{
		{"a string", `{"a":"k"}`, `{"k":"v"}`, `{"a":"v"}`},
		{"each of several", `{"a":"k","b":"l","c":"k"}`, `{"k":"v","l":"w"}`, `{"a":"v","b":"w","c":"v"}`},
		{"a string in extra", `{"extra":{"a":"k"}}`, `{"k":"v"}`, `{"extra":{"a":"v"}}`},
		{"an extra that is a string", `{"extra":"k"}`, `{"k":"v"}`, `{"extra":"v"}`},
		{"a string written with escapes", `{"a":"\u006b"}`, `{"k":"v"}`, `{"a":"v"}`},
		{"the empty string", `{"a":""}`, `{"":"v"}`, `{"a":"v"}`},
		{"every string, also credentialSource and secret-path", `{"credentialSource":"agent","secret-path":"p"}`, `{"agent":"x","p":"y"}`, `{"credentialSource":"x","secret-path":"y"}`},
		{"by values of other types", `{"a":"k","b":"l","c":"m","d":"n"}`, `{"k":false,"l":0,"m":0.0,"n":12.50}`, `{"a":false,"b":0,"c":0.0,"d":12.50}`},
		{"by an object", `{"a":"k"}`, `{"k":{"z":1,"y":"k"}}`, `{"a":{"z":1,"y":"k"}}`},
		{"by an array", `{"extra":{"a":"k"}}`, `{"k":[1e21,"k"]}`, `{"extra":{"a":[1e21,"k"]}}`},
		{"by null", `{"a":"k"}`, `{"k":null}`, `{"a":null}`},
		{"by an empty string", `{"a":"k"}`, `{"k":""}`, `{"a":""}`},
	} {
		t.Run(row.name, func(t *testing.T) { substitute(t, row.source, row.secrets, row.want) })
	}
}

func TestOnlyEqualStringsAreReplaced(t *testing.T) {
	const k = `{"k":"v"}`
	for _, row := range []struct{ name, source, secrets string }{
		{"another case", `{"a":"K"}`, k},
		{"a part of a string", `{"a":"kk","b":"k "}`, k},
		{"a template", `{"a":"${k}","b":"{{k}}"}`, k},
		{"a field's name", `{"k":"a","extra":{"k":"b"}}`, k},
		{"a string in an object that is not extra", `{"other":{"a":"k"},"Extra":{"a":"k"}}`, k},
		{"a string two levels down in extra", `{"extra":{"extra":{"a":"k"}}}`, k},
		{"a string in an array", `{"a":["k"],"extra":{"b":["k"]}}`, k},
		{"an extra that is an array", `{"extra":["k",{"a":"k"}]}`, k},
		{"a number that reads like a name", `{"a":5,"extra":{"b":5}}`, `{"5":"v"}`},
		{"true, false and null", `{"a":true,"b":false,"c":null}`, `{"true":"v","false":"v","null":"v"}`},
		{"without secrets", `{"a":"k","extra":{"b":"k"}}`, `{}`},
		{"without fields", `{}`, k},
		{"the same letter in another form of Unicode", `{"a":"é"}`, `{"e\u0301":"v"}`},
	} {
		t.Run(row.name, func(t *testing.T) { substitute(t, row.source, row.secrets, row.source) })
	}
}

func TestSubstitutionIsSinglePass(t *testing.T) {
	for _, row := range []struct{ name, source, secrets, want string }{
		{"it equals another secret's name", `{"a":"k"}`, `{"k":"l","l":"v"}`, `{"a":"l"}`},
		{"it equals its own name", `{"a":"k"}`, `{"k":"k"}`, `{"a":"k"}`},
		{"two that name each other change places", `{"a":"k","b":"l"}`, `{"k":"l","l":"k"}`, `{"a":"l","b":"k"}`},
		{"in extra", `{"extra":{"a":"k","b":"l"}}`, `{"k":"l","l":"k"}`, `{"extra":{"a":"l","b":"k"}}`},
		{"an object that replaces extra", `{"extra":"k"}`, `{"k":{"a":"l"},"l":"v"}`, `{"extra":{"a":"l"}}`},
		{"an object that holds an extra", `{"a":"k"}`, `{"k":{"extra":{"b":"l"}},"l":"v"}`, `{"a":{"extra":{"b":"l"}}}`},
	} {
		t.Run(row.name, func(t *testing.T) { substitute(t, row.source, row.secrets, row.want) })
	}
}

func TestSubstitutionKeepsOrderDigitsAndWhatItDoesNotReplace(t *testing.T) {
	for _, row := range []struct{ name, source, secrets, want string }{
		{
			"fields stay where they are",
			`{"z":"k","y":1,"x":"l","extra":{"c":"k","b":2,"a":"l"},"a":null}`, `{"l":"2","k":"1"}`,
			`{"z":"1","y":1,"x":"2","extra":{"c":"1","b":2,"a":"2"},"a":null}`,
		},
		{
			"digits stay as they are written",
			`{"a":12345678901234567,"b":1e21,"c":12.50,"d":-0,"e":1E+2,"f":0.10,"extra":{"g":"k","h":1.0,"i":1e400}}`, `{"k":3.00}`,
			`{"a":12345678901234567,"b":1e21,"c":12.50,"d":-0,"e":1E+2,"f":0.10,"extra":{"g":3.00,"h":1.0,"i":1e400}}`,
		},
		{
			"HTML characters and letters stay as they are",
			`{"a":"<b>&\u2028é🔑","extra":{"c":"<&>","d":"k"}}`, `{"k":"</script>"}`,
			"{\"a\":\"<b>&\u2028é🔑\",\"extra\":{\"c\":\"<&>\",\"d\":\"</script>\"}}",
		},
	} {
		t.Run(row.name, func(t *testing.T) { substitute(t, row.source, row.secrets, row.want) })
	}
}

// substitute applies secrets to a source. It checks that both inputs are unchanged.
func substitute(t *testing.T, source, secrets, want string) {
	t.Helper()
	from, data := resolvertest.Parse(t, source), resolvertest.Parse(t, secrets)
	beforeFrom, beforeData := resolvertest.JSON(t, from), resolvertest.JSON(t, data)

	got := credential.ApplySecretValues(from, data)

	assert.Equal(t, want, resolvertest.JSON(t, got))
	assert.Equal(t, beforeFrom, resolvertest.JSON(t, from), "the source was changed")
	assert.Equal(t, beforeData, resolvertest.JSON(t, data), "the secrets were changed")
	for name, v := range got.All() {
		found, ok := got.Get(name)
		assert.True(t, ok)
		assert.Equal(t, v.Kind(), found.Kind(), "Get and All differ")
	}
}

func TestSubstitutionWorksOnBuiltObjects(t *testing.T) {
	extra := credential.NewObject(
		credential.Field{Name: "token", Value: credential.StringValue("k")},
		credential.Field{Name: "n", Value: resolvertest.Value(t, `1.0`)},
	)
	source := credential.NewObject(
		credential.Field{Name: "extra", Value: extra.AsValue()},
		credential.Field{Name: "a", Value: credential.StringValue("k")},
	)
	data := credential.NewObject(credential.Field{Name: "k", Value: extra.AsValue()})

	got := credential.ApplySecretValues(source, data)

	assert.Equal(t, `{"extra":{"token":{"token":"k","n":1.0},"n":1.0},"a":{"token":"k","n":1.0}}`, resolvertest.JSON(t, got))
	assert.Equal(t, `{"extra":{"token":"k","n":1.0},"a":"k"}`, resolvertest.JSON(t, source))
	assert.Equal(t, `{"k":{"token":"k","n":1.0}}`, resolvertest.JSON(t, data))
}
