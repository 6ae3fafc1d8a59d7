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

// objectSeeds are texts from which a fuzzer finds its way to the corners.
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

// FuzzParseObject: what is read is what encoding/json reads, in the text's order
// and with its digits, and what is written is read again as the same.
func FuzzParseObject(f *testing.F) {
	for _, seed := range objectSeeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		before := bytes.Clone(input)
		o, err := credential.ParseObject(input)
		require.Equal(t, before, input, "the text was touched")
		names, values, isObject := theirObject(input)
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
		fixpoint(t, o)
		if len(names) > 0 {
			again, err := credential.ParseObject([]byte(firstAgain(t, o)))
			require.NoError(t, err)
			gotNames, gotValues := fieldsOf(again)
			require.Equal(t, names, gotNames, "a name that stands twice keeps its first place")
			require.Equal(t, `"again"`, text(t, gotValues[0]), "and has its last value")
		}
	})
}

// firstAgain is an object's JSON with its first name a second time, at the end. A
// fuzzer that changes bytes seldom makes a name stand twice.
func firstAgain(t require.TestingT, o credential.Object) string {
	names, _ := fieldsOf(o)
	return strings.TrimSuffix(text(t, o.AsValue()), "}") + "," + text(t, credential.StringValue(names[0])) + `:"again"}`
}

// theirObject reads an object by encoding/json: its names in the order of their
// first place, and the last value of each. Half a surrogate pair, which
// encoding/json takes for U+FFFD, is no object to us.
func theirObject(text []byte) (names []string, values map[string]json.RawMessage, ok bool) {
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

// halfPair tells whether valid JSON has an escape for half a surrogate pair.
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
		i++ // what is escaped may be a backslash
	}
	return false
}

// sameValue checks that a value means what a JSON text means, to the digit.
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

// fixpoint checks that what is written is read again as what was written.
func fixpoint(t *testing.T, o credential.Object) {
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
