package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// FuzzApplySecretValues checks that each string is replaced at most once, that values without a
// match and the order of fields stay unchanged, and that the inputs are not modified.
func FuzzApplySecretValues(f *testing.F) {
	for _, seed := range [][2]string{
		{`{}`, `{}`},
		{`{"a":"k","b":"l","extra":{"c":"k","d":"l"}}`, `{"k":"l","l":"k"}`},
		{`{"z":"k","extra":"k","a":12.50}`, `{"k":{"extra":{"z":"k"}},"x":"y"}`},
		{`{"extra":{"a":1,"a":"k","b":2},"b":"\u006b"}`, `{"k":1e21,"\u006b":2}`},
		{`{"extra":{"a":1,"a":2},"a":["k"],"b":{"c":"k"}}`, `{"k":"v"}`},
		{`{"credentialSource":"agent","secret-path":"p","":""}`, `{"agent":false,"p":null,"":0.0}`},
		{`{"extra":{"extra":{"a":"k"}},"a":"K"}`, `{"k":[{"a":"k"}],"K":"k"}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, sourceText, secretsText []byte) {
		source, err := credential.ParseObject(sourceText)
		if err != nil {
			return
		}
		data, err := credential.ParseObject(secretsText)
		if err != nil {
			return
		}
		nested := credential.NewObject(credential.Field{Name: credential.FieldExtra, Value: source.AsValue()})
		for _, data := range []credential.Object{data, circularSecrets(source)} {
			checkSubstitution(t, source, data)
			checkSubstitution(t, nested, data)
		}
		if source.Len() > 0 {
			twice := resolvertest.Parse(t, `{"extra":`+repeatFirstName(t, source)+`}`)
			checkSubstitution(t, twice, credential.Object{})
		}
	})
}

// circularSecrets returns secret data in which each string of an object names the next string. With such
// data, a value that is looked at twice gives a wrong result. By changing bytes, a fuzzer
// rarely makes two names equal.
func circularSecrets(o credential.Object) credential.Object {
	var strings []credential.Value
	for _, v := range o.All() {
		if v.Kind() == credential.StringKind {
			strings = append(strings, v)
		}
	}
	var fields []credential.Field
	for i, v := range strings {
		name, _ := v.Text()
		fields = append(fields, credential.Field{Name: name, Value: strings[(i+1)%len(strings)]})
	}
	return credential.NewObject(fields...)
}

// checkSubstitution applies data to source and checks step 7 field by field.
func checkSubstitution(t require.TestingT, source, data credential.Object) credential.Object {
	beforeSource, beforeData := text(t, source.AsValue()), text(t, data.AsValue())
	got := credential.ApplySecretValues(source, data)
	require.Equal(t, beforeSource, text(t, source.AsValue()), "the source was changed")
	require.Equal(t, beforeData, text(t, data.AsValue()), "the secrets were changed")

	names, values := fieldsOf(source)
	gotNames, gotValues := fieldsOf(got)
	require.Equal(t, names, gotNames, "names, in order")
	for i, v := range values {
		extra, isExtra := v.Object()
		if names[i] != credential.FieldExtra || !isExtra {
			require.Equal(t, replacedOnce(t, v, data), text(t, gotValues[i]), "field %q", names[i])
			continue
		}
		gotExtra, ok := gotValues[i].Object()
		require.True(t, ok)
		innerNames, innerValues := fieldsOf(extra)
		gotInnerNames, gotInnerValues := fieldsOf(gotExtra)
		require.Equal(t, innerNames, gotInnerNames, "names in extra, in order")
		same := true
		for j, inner := range innerValues {
			want := replacedOnce(t, inner, data)
			require.Equal(t, want, text(t, gotInnerValues[j]), "field %q of extra", innerNames[j])
			same = same && want == text(t, inner)
		}
		if same && !namedIn(innerValues, data) {
			require.Equal(t, text(t, v), text(t, gotValues[i]), "an extra without a match is unchanged")
		}
	}
	return got
}

// replacedOnce is the rule for one value: a string that is a name in data is replaced, any
// other value stays.
func replacedOnce(t require.TestingT, v credential.Value, data credential.Object) string {
	if s, ok := v.Text(); ok {
		if replacement, ok := data.Get(s); ok {
			return text(t, replacement)
		}
	}
	return text(t, v)
}

func namedIn(values []credential.Value, data credential.Object) bool {
	for _, v := range values {
		if s, ok := v.Text(); ok {
			if _, ok := data.Get(s); ok {
				return true
			}
		}
	}
	return false
}

func fieldsOf(o credential.Object) (names []string, values []credential.Value) {
	for name, v := range o.All() {
		names, values = append(names, name), append(values, v)
	}
	return names, values
}

// text returns a value as JSON.
func text(t require.TestingT, v credential.Value) string {
	b, err := v.AppendJSON(nil)
	require.NoError(t, err)
	return string(b)
}

func TestCheckedSubstitutionReplacesSomething(t *testing.T) {
	got := checkSubstitution(t,
		resolvertest.Parse(t, `{"a":"k","extra":{"b":"l","c":"m"}}`), resolvertest.Parse(t, `{"k":"l","l":"k"}`))
	require.Equal(t, `{"a":"l","extra":{"b":"k","c":"m"}}`, resolvertest.JSON(t, got))
}
