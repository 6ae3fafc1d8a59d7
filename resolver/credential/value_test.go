package credential_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestAValueHasOneOfSixKinds(t *testing.T) {
	for text, want := range map[string]credential.ValueKind{
		`null`: credential.NullKind, `true`: credential.BoolKind, `false`: credential.BoolKind,
		`0`: credential.NumberKind, `-1.5e3`: credential.NumberKind,
		`""`: credential.StringKind, `"null"`: credential.StringKind,
		`{}`: credential.ObjectKind, `[]`: credential.ArrayKind,
	} {
		v := resolvertest.Value(t, text)
		assert.Equal(t, want, v.Kind(), text)
		_, isText := v.Text()
		assert.Equal(t, want == credential.StringKind, isText, text)
		_, isObject := v.Object()
		assert.Equal(t, want == credential.ObjectKind, isObject, text)
		got, err := v.AppendJSON(nil)
		require.NoError(t, err)
		assert.Equal(t, text, string(got))
	}
	assert.Equal(t, credential.NullKind, credential.Value{}.Kind(), "the zero value is null")
}

func TestStringIsUnescaped(t *testing.T) {
	text, ok := resolvertest.Value(t, `"a\n\u0062\"\ud83d\udd11"`).Text()
	assert.True(t, ok)
	assert.Equal(t, "a\nb\"🔑", text)
}

// A store may hold arbitrary bytes. They are a value, but cannot be written as JSON.
func TestAStringThatIsNotUTF8CannotBeWritten(t *testing.T) {
	for _, bytes := range []string{"\xff", "s3cret\xc3", "\xed\xa0\x80"} {
		v := credential.StringValue(bytes)
		text, ok := v.Text()
		assert.True(t, ok)
		assert.Equal(t, bytes, text)
		got, err := v.AppendJSON([]byte("prefix"))
		assert.EqualError(t, err, "not valid UTF-8")
		assert.Equal(t, "prefix", string(got))
	}
}

func TestASecretThatIsNotUTF8IsAnsweredAsItIs(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put("some-guid", `{"credentialSource":"agent","a":"k"}`)
	stores.Secrets.Put("k", map[string]string{"k": "\xff\x00"})
	credential, err := stores.Resolver().Resolve(t.Context(), "some-guid")
	require.NoError(t, err)
	v, _ := credential.Fields.Get("a")
	text, _ := v.Text()
	assert.Equal(t, "\xff\x00", text)
}

func TestTheElementsOfAnArray(t *testing.T) {
	elements := resolvertest.Value(t, `["a",12.50,{"b":[1]},null,[]]`).Elements()
	want := []string{`"a"`, `12.50`, `{"b":[1]}`, `null`, `[]`}
	require.Len(t, elements, len(want))
	for i, v := range elements {
		got, err := v.AppendJSON(nil)
		require.NoError(t, err)
		assert.Equal(t, want[i], string(got))
	}
	for _, none := range []string{`[]`, `{}`, `"[1]"`, `null`, `1`} {
		assert.Empty(t, resolvertest.Value(t, none).Elements(), none)
	}
}
