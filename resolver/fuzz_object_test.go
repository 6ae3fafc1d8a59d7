package resolver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// objectSeeds are seeds that help the fuzzer find corner cases.
func objectSeeds() []string {
	return []string{
		``, `{}`, `[]`, `null`, `"a"`, `{"a":1,}`, "\ufeff{}", `{"a":1}{"b":2}`,
		`{"credentialSource":"agent","secret-path":"p","extra":{"a":"k"},"password":"k"}`,
		`{"credentialSource":"Agent","secret-path":null,"credential-resolver":{}}`,
		`{"credentialSource":"direct","credentialSource":"agent","secret-path":{}}`,
		`{"credential-resolver":{"references":"explicit"}}`, `{"credential-resolver":"x"}`,
		`{"b":12345678901234567,"a":1e21,"c":12.50,"d":-0,"e":[1.0,{"f":0.10}]}`,
		`{"a":1,"b":2,"a":{"c":3,"c":4},"\u0061":5,"extra":{"k":1,"k":2}}`,
		" { \"a\" : [ true , false , null ] ,\n\"b\":\"<&>\u2028\" } ",
		`{"a":"\ud83d\udd11\u0000\/\"\\"}`, `{"a":"\ud800"}`, `{"\udc00":1}`, `{"a":"\\ud800"}`,
		"{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", `{"":{"":{"":[]}}}`, `{"a":"\ufffd"}`,
	}
}

// FuzzParseObject compares ParseObject with encoding/json, and additionally checks the order of
// fields and the digits of numbers. Written and parsed again, the object must be the same.
func FuzzParseObject(f *testing.F) {
	for _, seed := range objectSeeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		before := bytes.Clone(input)
		o, err := credential.ParseObject(input)
		require.Equal(t, before, input, "the text was changed")
		names, values, isObject := stdlibObject(input)
		require.Equal(t, isObject, err == nil, "encoding/json differs: %v", err)
		if err != nil {
			var syntax *credential.SyntaxError
			assert.True(t, errors.As(err, &syntax) || slices.Contains([]string{"not a JSON object", "not valid UTF-8"}, err.Error()))
			assert.Zero(t, o.Len())
			return
		}
		var got []string
		for name, v := range o.All() {
			got = append(got, name)
			sameValue(t, values[name], v)
			found, ok := o.Get(name)
			require.True(t, ok)
			sameValue(t, values[name], found)
		}
		require.Equal(t, names, got, "names, in order")
		checkRoundTrip(t, o)
		if len(names) > 0 {
			again, err := credential.ParseObject([]byte(repeatFirstName(t, o)))
			require.NoError(t, err)
			gotNames, gotValues := fieldsOf(again)
			require.Equal(t, names, gotNames, "a duplicate name keeps its first place")
			require.Equal(t, `"again"`, text(t, gotValues[0]), "a duplicate name has its last value")
		}
	})
}

// repeatFirstName returns an object's JSON with its first name repeated at the end. By changing
// bytes, a fuzzer rarely creates a duplicate name.
func repeatFirstName(t require.TestingT, o credential.Object) string {
	names, _ := fieldsOf(o)
	return strings.TrimSuffix(text(t, o.AsValue()), "}") + "," + text(t, credential.StringValue(names[0])) + `:"again"}`
}

// stdlibObject reads an object with encoding/json. It returns the names in the order of their
// first occurrence, and the last value of each. encoding/json replaces a lone surrogate by
// U+FFFD; ParseObject rejects it.
func stdlibObject(text []byte) (names []string, values map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(text) || !json.Valid(text) || bytes.TrimLeft(text, " \t\r\n")[0] != '{' || halfPair(text) {
		return nil, nil, false
	}
	values = map[string]json.RawMessage{}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, nil, false
	}
	for d.More() {
		token, err := d.Token()
		name, isName := token.(string)
		var raw json.RawMessage
		if err != nil || !isName || d.Decode(&raw) != nil {
			return nil, nil, false
		}
		if _, twice := values[name]; !twice {
			names = append(names, name)
		}
		values[name] = raw
	}
	return names, values, true
}

// halfPair reports whether valid JSON contains an escape for a lone surrogate.
func halfPair(text []byte) bool {
	unit := func(at int) rune {
		if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
			return 0
		}
		n, err := strconv.ParseUint(string(text[at+2:at+6]), 16, 16)
		if err != nil {
			return 0
		}
		return rune(n)
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if first := unit(i); utf16.IsSurrogate(first) {
			if utf16.DecodeRune(first, unit(i+6)) == utf8.RuneError {
				return true
			}
			i += 6 + 5
			continue
		}
		i++ // the escaped character may be a backslash
	}
	return false
}

// sameValue checks that a value equals a JSON text, including the digits of numbers.
func sameValue(t *testing.T, want json.RawMessage, v credential.Value) {
	t.Helper()
	got, err := v.AppendJSON(nil)
	require.NoError(t, err)
	require.Equal(t, decoded(t, want), decoded(t, got))
	if v.Kind() == credential.NumberKind {
		require.Equal(t, string(want), string(got))
	}
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v))
	return v
}

// checkRoundTrip checks that the written object parses to the same object.
func checkRoundTrip(t *testing.T, o credential.Object) {
	t.Helper()
	first, err := o.AppendJSON(nil)
	require.NoError(t, err)
	again, err := credential.ParseObject(first)
	require.NoError(t, err)
	second, err := again.AppendJSON(nil)
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
	require.Equal(t, o.Len(), again.Len())
}
