package resolver_test

import (
	"testing"

	"credential-resolver/resolver/credential"
)

// Section 4, step 5, the rule about the only entry.
func TestValueIsReplacedByTheOnlyEntry(t *testing.T) {
	const config = `{"credentialSource":"agent","password":"db-password"}`
	gets := func(name string, entries map[string]string, password string) resolution {
		return resolution{
			name: name, config: config, secrets: secrets{"db-password": entries},
			asked: []string{"db-password"},
			want:  `{"credentialSource":"agent","password":` + password + `}`,
		}
	}
	testResolutions(t, []resolution{
		gets("called value", map[string]string{"value": "s3cret"}, `"s3cret"`),
		gets("called anything", map[string]string{"пароль": "s3cret"}, `"s3cret"`),
		gets("without a name", map[string]string{"": "s3cret"}, `"s3cret"`),
		gets("called like the value", map[string]string{"db-password": "s3cret"}, `"s3cret"`),
		gets("beside empty ones", map[string]string{"value": "s3cret", "x": "", "y": ""}, `"s3cret"`),
		gets("beside an empty one of the value's own name", map[string]string{"value": "s3cret", "db-password": ""}, `"s3cret"`),
		gets("that is blank", map[string]string{"value": " "}, `" "`),
		gets("that is a JSON array's text", map[string]string{"value": `["a"]`}, `"[\"a\"]"`),
		gets("that is a JSON number's text", map[string]string{"value": `12.50`}, `"12.50"`),
		gets("that only begins as an object", map[string]string{"value": `{s3cret`}, `"{s3cret"`),
		gets("of a JSON object", map[string]string{"json": `{"value":"s3cret"}`}, `"s3cret"`),
		gets("of a JSON object, beside null", map[string]string{"json": `{"x":null,"value":"s3cret"}`}, `"s3cret"`),
		gets("of a JSON object, a number", map[string]string{"json": `{"value":12345678901234567}`}, `12345678901234567`),
		gets("of a JSON object, false", map[string]string{"json": `{"value":false}`}, `false`),
		gets("of a JSON object, 0", map[string]string{"json": `{"value":0}`}, `0`),
		gets("of a JSON object, 0.0", map[string]string{"json": `{"value":0.0}`}, `0.0`),
		gets("of a JSON object, an array", map[string]string{"json": `{"value":["a"]}`}, `["a"]`),
	})
}

func TestSecretWithSeveralEntriesReplacesNothing(t *testing.T) {
	const config = `{"credentialSource":"agent","user":"u","password":"db-password"}`
	keeps := func(name string, entries map[string]string) resolution {
		return resolution{
			name: name, config: config, secrets: secrets{"db-password": entries, "u": {"u": "admin"}},
			want: `{"credentialSource":"agent","user":"admin","password":"db-password"}`,
		}
	}
	testResolutions(t, []resolution{
		keeps("two entries", map[string]string{"a": "1", "b": "2"}),
		keeps("two entries of a JSON object", map[string]string{"json": `{"a":"1","b":"2"}`}),
		keeps("two entries, of which one is false", map[string]string{"json": `{"a":"1","b":false}`}),
		keeps("one entry that is an object, in an object", map[string]string{"json": `{"a":{"b":"1"}}`}),
		keeps("one entry that is an object's text, in an object", map[string]string{"json": `{"a":"{\"b\":\"1\"}"}`}),
		keeps("one entry that is an object's text, beside an empty one", map[string]string{"a": `{"b":"1","c":"2"}`, "x": ""}),
	})
}

func TestOnlyEntryHasTheLowestPrecedence(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:   "a later secret's entry of the value's name comes before it",
			config: `{"credentialSource":"agent","a":"one","b":"two"}`,
			secrets: secrets{
				"one": {"value": "only"}, "two": {"two": "2", "one": "merged"},
			},
			want: `{"credentialSource":"agent","a":"merged","b":"2"}`,
		},
		{
			name:   "an earlier secret's entry too",
			config: `{"credentialSource":"agent","b":"two","a":"one"}`,
			secrets: secrets{
				"one": {"value": "only"}, "two": {"two": "2", "one": "merged"},
			},
			want: `{"credentialSource":"agent","b":"2","a":"merged"}`,
		},
		{
			name:    "two values with an only entry each, of the same name",
			config:  `{"credentialSource":"agent","a":"one","b":"two","c":"value"}`,
			secrets: secrets{"one": {"value": "1"}, "two": {"value": "2"}},
			want:    `{"credentialSource":"agent","a":"1","b":"2","c":"2"}`,
		},
		{
			name:    "an empty entry of the value's name does not count",
			config:  `{"credentialSource":"agent","a":"one","b":"two"}`,
			secrets: secrets{"one": {"value": "only"}, "two": {"two": "2", "one": ""}},
			want:    `{"credentialSource":"agent","a":"only","b":"2"}`,
		},
		{
			name:    "multi-key: an only entry replaces only its own name",
			config:  `{"credentialSource":"agent","secret-path":"p","a":"p","b":"value"}`,
			secrets: secrets{"p": {"value": "s3cret"}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":"p","b":"s3cret"}`,
		},
	})
}

func TestAnOnlyEntryCountsAsReplaced(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:    "a secret with one entry",
			config:  `{"credentialSource":"agent","a":"one"}`,
			secrets: secrets{"one": {"value": "1"}},
			want:    `{"credentialSource":"agent","a":"1"}`,
		},
		{
			name:    "a secret with two entries of other names does not",
			config:  `{"credentialSource":"agent","a":"one"}`,
			secrets: secrets{"one": {"x": "1", "y": "2"}},
			kind:    credential.FailedPrecondition,
			reason:  "secret",
		},
	})
}
