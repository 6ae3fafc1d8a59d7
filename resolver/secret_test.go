package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 6.
func TestOnlyEntryWithAJSONObjectIsUnpacked(t *testing.T) {
	for _, row := range []struct {
		name    string
		entries map[string]string
		want    string
	}{
		{"an object", map[string]string{"json": `{"b":"1","a":"2"}`}, `{"b":"1","a":"2"}`},
		{"an object in an entry without a name", map[string]string{"": `{"a":"1"}`}, `{"a":"1"}`},
		{"an object with white space around it", map[string]string{"json": " \t\r\n{ \"a\" : \"1\" } \n"}, `{"a":"1"}`},
		{"its values have their types", map[string]string{"json": `{"a":1,"b":true,"c":null,"d":[2],"e":{"f":"3"}}`}, `{"a":1,"b":true,"c":null,"d":[2],"e":{"f":"3"}}`},
		{"its digits are kept", map[string]string{"json": `{"a":12345678901234567,"b":1e21,"c":12.50,"d":-0}`}, `{"a":12345678901234567,"b":1e21,"c":12.50,"d":-0}`},
		{"of a duplicate name the last value counts", map[string]string{"json": `{"a":"1","b":"2","a":"3"}`}, `{"a":"3","b":"2"}`},
		{"an empty object", map[string]string{"json": `{}`}, `{}`},
		{"one level only", map[string]string{"json": `{"a":"{\"b\":\"1\"}"}`}, `{"a":"{\"b\":\"1\"}"}`},
		{"an array is an entry", map[string]string{"json": `[{"a":"1"}]`}, `{"json":"[{\"a\":\"1\"}]"}`},
		{"a JSON string is an entry", map[string]string{"json": `"{}"`}, `{"json":"\"{}\""}`},
		{"a number is an entry", map[string]string{"json": `12.50`}, `{"json":"12.50"}`},
		{"null is an entry", map[string]string{"json": `null`}, `{"json":"null"}`},
		{"a broken object is an entry", map[string]string{"json": `{"a":"1"`}, `{"json":"{\"a\":\"1\""}`},
		{"an object with words behind it is an entry", map[string]string{"json": `{"a":"1"} x`}, `{"json":"{\"a\":\"1\"} x"}`},
		{"a template is an entry", map[string]string{"json": `{{name}}`}, `{"json":"{{name}}"}`},
		{"of two entries neither stands for an object", map[string]string{"a": `{"x":"1"}`, "b": `{"y":"2"}`}, `{"a":"{\"x\":\"1\"}","b":"{\"y\":\"2\"}"}`},
		{"an object beside an empty entry is an entry", map[string]string{"a": `{"x":"1"}`, "b": ""}, `{"a":"{\"x\":\"1\"}","b":""}`},
		{"entries of several are in the order of their names", map[string]string{"b": "2", "a": "1", "B": "3"}, `{"B":"3","a":"1","b":"2"}`},
		{"no entries", map[string]string{}, `{}`},
		{"a nil map", nil, `{}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			entries, err := credential.Entries(row.entries)
			require.NoError(t, err)
			assert.Equal(t, row.want, resolvertest.JSON(t, entries))
		})
	}
}

func TestOnlyEntryIsUnpackedInEveryMode(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "direct",
			config:  `{"user":"u","port":1}`,
			secrets: secrets{guid: {"json": `{"port":5432,"password":"s3cret","extra":{"a":12.50}}`}},
			want:    `{"user":"u","port":5432,"password":"s3cret","extra":{"a":12.50}}`,
		},
		{
			name:    "agent with a bundle",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"k","b":"l","c":"json"}`,
			secrets: secrets{"p": {"json": `{"k":"1","l":{"m":[1e21]}}`}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":"1","b":{"m":[1e21]},"c":"json"}`,
		},
		{
			name:    "agent without a bundle: its entries merge",
			config:  `{"credentialSource":"agent","a":"db","b":"db-user"}`,
			secrets: secrets{"db": {"json": `{"db":"1","db-user":12345678901234567}`}},
			want:    `{"credentialSource":"agent","a":"1","b":12345678901234567}`,
		},
		{
			name:    "agent without a bundle: its only entry is the value",
			config:  `{"credentialSource":"agent","a":"db"}`,
			secrets: secrets{"db": {"json": `{"value":"s3cret"}`}},
			want:    `{"credentialSource":"agent","a":"s3cret"}`,
		},
	})
}

// If such an object counted as plain text, one field of the answer would contain all of it.
func TestJSONObjectThatIsNotUTF8IsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"bytes that are not UTF-8": "{\"k\":\"\xff\"}",
		"a name that is not UTF-8": "{\"\xff\":\"k\"}",
		"half a surrogate pair":    `{"k":"\ud800"}`,
		"half a pair in a name":    `{"\udc00":"k"}`,
		"half a pair deep down":    `{"k":[{"l":"\ud800x"}]}`,
		"white space before it":    "\n {\"k\":\"\xff\"}",
		"beside a duplicate name":  `{"k":"1","k":"\ud800"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := credential.Entries(map[string]string{"json": text})
			assert.EqualError(t, err, "not valid UTF-8")

			for _, config := range []string{
				`{"a":"k"}`, `{"credentialSource":"agent","secret-path":"p","a":"k"}`, `{"credentialSource":"agent","a":"p"}`,
			} {
				stores := resolvertest.New(t)
				stores.Configs.Put(guid, config)
				stores.Secrets.PutAll(secrets{guid: {"json": text}, "p": {"json": text}})
				failure := failed(t, stores.Resolver())
				assert.Equal(t, credential.FailedPrecondition, failure.Kind)
				assert.Equal(t, "secretStore", failure.Store)
				assert.Contains(t, failure.Error(), "not valid UTF-8")
			}
		})
	}
}

func TestEntryThatIsNotUTF8IsKeptIfNoObject(t *testing.T) {
	for _, text := range []string{"\xff", "{\xff", "{\"k\":\"\xff\"", `["\ud800"]`} {
		entries, err := credential.Entries(map[string]string{"k": text})
		require.NoError(t, err)
		v, _ := entries.Get("k")
		got, _ := v.Text()
		assert.Equal(t, text, got)
	}
}

func TestEntriesDoesNotModifyItsInput(t *testing.T) {
	data := map[string]string{"json": `{"a":"1"}`}
	_, err := credential.Entries(data)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"json": `{"a":"1"}`}, data)
}
