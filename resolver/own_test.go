package resolver_test

import (
	"testing"

	"credential-resolver/resolver/credential"
)

// Section 4: the field "credential-resolver" is ours.
func TestSettingsFieldIsNotInTheAnswer(t *testing.T) {
	testResolutions(t, []resolution{
		{
			name:   "direct",
			config: `{"a":1,"credential-resolver":{},"b":2}`,
			want:   `{"a":1,"b":2}`,
		},
		{
			name:    "agent with a bundle",
			config:  `{"credential-resolver":{},"credentialSource":"agent","secret-path":"p","a":"k"}`,
			secrets: secrets{"p": {"k": "v"}},
			want:    `{"credentialSource":"agent","secret-path":"p","a":"v"}`,
		},
		{
			name:    "agent without a bundle",
			config:  `{"credentialSource":"agent","a":"k","credential-resolver":{}}`,
			secrets: secrets{"k": {"k": "v"}},
			want:    `{"credentialSource":"agent","a":"v"}`,
		},
		{
			name:    "brought in by the bundle of a direct credential",
			config:  `{"a":1}`,
			secrets: secrets{guid: {"credential-resolver": "x", "b": "y"}},
			want:    `{"a":1,"b":"y"}`,
		},
		{
			name:   "deeper down it is a field like any other",
			config: `{"extra":{"credential-resolver":1}}`,
			want:   `{"extra":{"credential-resolver":1}}`,
		},
	})
}

func TestInvalidSettingsFieldIsRefused(t *testing.T) {
	refused := func(name, own, reason string) resolution {
		return resolution{
			name: name, config: `{"credentialSource":"agent","a":"k","credential-resolver":` + own + `}`,
			secrets: secrets{"k": {"k": "v"}}, asked: []string{},
			kind: credential.FailedPrecondition, reason: reason,
		}
	}
	const notObject, unknown = `its "credential-resolver" is not an object`, "has an unknown field"
	testResolutions(t, []resolution{
		refused("secretStore", `{"secretStore":"other"}`, `"secretStore" in its "credential-resolver" is not in the Component's secretStores`),
		refused("secretStore, not a string", `{"secretStore":1}`, `"secretStore" in its "credential-resolver" is not the name of a store`),
		refused("secretStore, empty", `{"secretStore":""}`, `"secretStore" in its "credential-resolver" is not the name of a store`),
		refused("an unknown kind of references", `{"references":"Explicit"}`, `"references" in its "credential-resolver" is not "explicit"`),
		refused("references, not a string", `{"references":true}`, `"references" in its "credential-resolver" is not "explicit"`),
		refused("an unknown name beside references", `{"references":"explicit","x":1}`, unknown),
		refused("lookupFields beside explicit references", `{"references":"explicit","lookupFields":[]}`,
			`its "credential-resolver" has "lookupFields", but explicit references are not looked up`),
		refused("lookupFields, a string", `{"lookupFields":"a"}`, `is not an array of field names`),
		refused("lookupFields, of numbers", `{"lookupFields":["a",1]}`, `is not an array of field names`),
		refused("an unknown name", `{"secretstore":"other"}`, unknown),
		refused("a string", `"explicit"`, notObject),
		refused("a number", `1`, notObject),
		refused("false", `false`, notObject),
		refused("an array", `[]`, notObject),
	})
}
