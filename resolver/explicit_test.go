package resolver_test

import (
	"testing"

	"credential-resolver/resolver/credential"
)

// explicitly returns an explicit config with the given fields.
func explicitly(fields string) string {
	return `{"credential-resolver":{"references":"explicit"},` + fields + `}`
}

// bundle returns the secrets that the rows below use.
func bundle() secrets {
	return secrets{
		"db":    {"user": "u ser", "password": `p@s"s+w&rd/é`, "empty": "", "ref": "${db#user}", "escape": "$${"},
		"one":   {"value": "only"},
		"two":   {"value": "only", "other": ""},
		"json":  {"x": `{"port":5432.00,"big":12345678901234567890,"on":true,"nothing":null,"list":[1.0,"a"],"o":{"k":"v"},"text":"t"}`},
		"pair":  {"a": "1", "b": "2"},
		"blank": {"value": ""},
		"nest":  {"x": `{"o":{"k":1.50}}`},
		"bare":  {"bare": "never"},
		"sa":    {"key.json": ` { "type": "gcp", "key.json": 1, "n": 1.0 }`},
		"brace": {"json": `{}`},
		"whole": {"": `{"value":"v"}`},
	}
}

func Found(name, fields, want string, asked ...string) resolution {
	return resolution{name: name, config: explicitly(fields), secrets: bundle(), want: `{` + want + `}`, asked: append([]string{}, asked...)}
}

func refusal(name, fields string, kind credential.Kind, reason string) resolution {
	return resolution{name: name, config: explicitly(fields), secrets: bundle(), kind: kind, reason: `credential "` + guid + `": ` + reason}
}

// Section 10: a value that is a reference.
func TestSecretKeyRefIsReplacedByItsEntry(t *testing.T) {
	testResolutions(t, []resolution{
		Found("an entry", `"a":{"secretKeyRef":{"name":"db","key":"password"}}`, `"a":"p@s\"s+w&rd/é"`, "db"),
		Found("the only entry", `"a":{"secretKeyRef":{"name":"one"}}`, `"a":"only"`, "one"),
		Found("the only entry that is not empty", `"a":{"secretKeyRef":{"name":"two"}}`, `"a":"only"`, "two"),
		Found("the only entry, the text of an object", `"a":{"secretKeyRef":{"name":"nest"}}`, `"a":"{\"o\":{\"k\":1.50}}"`, "nest"),
		Found("an entry as it is stored, before a field of the object in it",
			`"a":{"secretKeyRef":{"name":"sa","key":"key.json"}},"b":{"secretKeyRef":{"name":"sa","key":"n"}},"c":["${sa}"]`,
			`"a":" { \"type\": \"gcp\", \"key.json\": 1, \"n\": 1.0 }","b":1.0,"c":[" { \"type\": \"gcp\", \"key.json\": 1, \"n\": 1.0 }"]`, "sa"),
		Found("the same, optional and with a default", `"a":{"secretKeyRef":{"name":"brace","key":"json","optional":true,"default":1}}`, `"a":"{}"`, "brace"),
		Found("an object that is the secret itself", `"a":"${whole}","b":{"secretKeyRef":{"name":"whole","key":"value"}}`, `"a":"v","b":"v"`, "whole"),
		Found("an empty entry", `"a":{"secretKeyRef":{"name":"db","key":"empty"}}`, `"a":""`, "db"),
		Found("entries with their types, to the digit",
			`"a":{"secretKeyRef":{"name":"json","key":"port"}},"b":{"secretKeyRef":{"name":"json","key":"big"}},`+
				`"c":{"secretKeyRef":{"name":"json","key":"on"}},"d":{"secretKeyRef":{"name":"json","key":"nothing"}},`+
				`"e":{"secretKeyRef":{"name":"json","key":"list"}},"f":{"secretKeyRef":{"name":"json","key":"o"}}`,
			`"a":5432.00,"b":12345678901234567890,"c":true,"d":null,"e":[1.0,"a"],"f":{"k":"v"}`, "json"),
		Found("at any depth, in its place, the rest as it is written",
			`"z":12.50,"a":{"b":[1e21,{"secretKeyRef":{"name":"one"}},{"c":{"secretKeyRef":{"key":"user","name":"db"}},"d":-0,"é":"\u00e9"}],"y":null},"b":[true]`,
			`"z":12.50,"a":{"b":[1e21,"only",{"c":"u ser","d":-0,"é":"\u00e9"}],"y":null},"b":[true]`, "one", "db"),
		Found("only an array", `"a":[{"secretKeyRef":{"name":"one"}},2.50]`, `"a":["only",2.50]`, "one"),
		Found("the content of a secret is not resolved again", `"a":{"secretKeyRef":{"name":"db","key":"ref"}},"b":{"secretKeyRef":{"name":"db","key":"escape"}}`,
			`"a":"${db#user}","b":"$${"`, "db"),
		Found("a secret is read once", `"a":{"secretKeyRef":{"name":"db","key":"user"}},"b":"${db#user}","c":["${db#user}"]`,
			`"a":"u ser","b":"u ser","c":["u ser"]`, "db"),
		Found("optional and present", `"a":{"secretKeyRef":{"name":"one","optional":true}},"b":1`, `"a":"only","b":1`, "one"),
		Found("optional without a secret", `"a":{"secretKeyRef":{"name":"none","optional":true}},"b":1`, `"b":1`, "none"),
		Found("optional whose secret is empty", `"a":{"secretKeyRef":{"name":"blank","optional":true}},"b":1`, `"b":1`, "blank"),
		Found("optional without an entry", `"a":{"secretKeyRef":{"name":"db","key":"none","optional":true}},"b":1`, `"b":1`, "db"),
		Found("optional deeper down, first, last and alone",
			`"a":{"x":{"secretKeyRef":{"name":"none","optional":true}},"y":1,"z":{"secretKeyRef":{"name":"none","optional":true}}},`+
				`"b":{"x":1,"y":{"secretKeyRef":{"name":"none","optional":true}},"z":2},"c":{"x":{"secretKeyRef":{"name":"none","optional":true}}}`,
			`"a":{"y":1},"b":{"x":1,"z":2},"c":{}`, "none"),
		Found("optional in an array is null: the others keep their places",
			`"a":[{"secretKeyRef":{"name":"none","optional":true}},1,{"secretKeyRef":{"name":"none","optional":true}}]`, `"a":[null,1,null]`, "none"),
		Found("a default", `"a":{"secretKeyRef":{"name":"none","default":5432.00}},"b":[{"secretKeyRef":{"name":"db","key":"none","default":"d"}}]`,
			`"a":5432.00,"b":["d"]`, "none", "db"),
		Found("a default takes precedence over optional", `"a":{"secretKeyRef":{"name":"none","default":null,"optional":true}}`, `"a":null`, "none"),
		Found("a default that is not needed", `"a":{"secretKeyRef":{"name":"one","default":"d"}}`, `"a":"only"`, "one"),
		Found("a default is not resolved", `"a":{"secretKeyRef":{"name":"none","default":"${db#user}"}},"b":{"secretKeyRef":{"name":"none","default":{"secretKeyRef":{"name":"db"}}}}`,
			`"a":"${db#user}","b":{"secretKeyRef":{"name":"db"}}`, "none"),
	})
}

func TestOnlyExplicitFormsAreReferences(t *testing.T) {
	testResolutions(t, []resolution{
		Found("a bare string", `"a":"bare","extra":{"b":"bare"}`, `"a":"bare","extra":{"b":"bare"}`),
		Found("an agent's bare string", `"credentialSource":"agent","a":"bare"`, `"credentialSource":"agent","a":"bare"`),
		Found("a bundle", `"credentialSource":"agent","secret-path":"db","a":"user"`, `"credentialSource":"agent","secret-path":"db","a":"user"`),
		Found("a source and a path of any kind", `"credentialSource":7,"secret-path":["db"]`, `"credentialSource":7,"secret-path":["db"]`),
		Found("credentialSource and secret-path are plain fields", `"credentialSource":"${one}","secret-path":{"secretKeyRef":{"name":"one"}}`,
			`"credentialSource":"only","secret-path":"only"`, "one"),
		Found("a name of a field", `"${one}":1,"a":{"${one}":"${one}"}`, `"${one}":1,"a":{"${one}":"only"}`, "one"),
		Found("the config itself", `"secretKeyRef":{"name":"one"}`, `"secretKeyRef":{"name":"one"}`),
		Found("a text that looks like a reference", `"a":"{\"secretKeyRef\":{\"name\":\"one\"}}","b":"secretKeyRef"`,
			`"a":"{\"secretKeyRef\":{\"name\":\"one\"}}","b":"secretKeyRef"`),
		Found("a dollar, a brace", `"a":"$","b":"{one}","c":"$ {one}","d":"}","e":"$one","f":"$$"`, `"a":"$","b":"{one}","c":"$ {one}","d":"}","e":"$one","f":"$$"`),
		Found("numbers and the rest, to the digit", `"a":12.50,"b":1e21,"c":[-0,{"d":0.10}],"d":null,"e":true`, `"a":12.50,"b":1e21,"c":[-0,{"d":0.10}],"d":null,"e":true`),
	})
	testResolutions(t, []resolution{{
		name: "the secret under the GUID", config: explicitly(`"a":1`), secrets: secrets{guid: {"a": "2"}}, asked: []string{}, want: `{"a":1}`,
	}})
}

func TestReferencesInALongerString(t *testing.T) {
	testResolutions(t, []resolution{
		Found("in the middle", `"a":"postgres://${db#user}@h/x"`, `"a":"postgres://u ser@h/x"`, "db"),
		Found("several", `"a":"${db#user}:${one#value}${db#user}"`, `"a":"u ser:onlyu ser"`, "db", "one"),
		Found("the whole string", `"a":"${db#user}"`, `"a":"u ser"`, "db"),
		Found("the only entry", `"a":"<${one}>"`, `"a":"<only>"`, "one"),
		Found("an empty entry", `"a":"<${db#empty}>"`, `"a":"<>"`, "db"),
		Found("other types are inserted as JSON", `"a":"${json#port}","b":"${json#on}","c":"${json#list}","d":"<${json#o}>"`,
			`"a":"5432.00","b":"true","c":"[1.0,\"a\"]","d":"<{\"k\":\"v\"}>"`, "json"),
		Found("substituted text is not resolved again", `"a":"${db#ref}","b":"$${${db#ref}","c":"${db#escape}one}"`, `"a":"${db#user}","b":"${${db#user}","c":"$${one}"`, "db"),
		Found("escaped", `"a":"$${one}","b":"$$${one}","c":"x$${","d":["$${one}"],"e":"$${${one}"`,
			`"a":"${one}","b":"$${one}","c":"x${","d":["${one}"],"e":"${only"`, "one"),
		Found("urlquery: a blank is %20", `"a":"${db#user|urlquery}","b":"${db#password|urlquery}"`, `"a":"u%20ser","b":"p%40s%22s%2Bw%26rd%2F%C3%A9"`, "db"),
		Found("base64: padded", `"a":"${db#user|base64}","b":"${db#empty|base64}","c":"${json#port|base64}"`, `"a":"dSBzZXI=","b":"","c":"NTQzMi4wMA=="`, "db", "json"),
		Found("json: with its quotes", `"a":"{\"p\":${db#password|json},\"n\":${json#port|json},\"o\":${json#o|json}}"`,
			`"a":"{\"p\":\"p@s\\\"s+w&rd/é\",\"n\":5432.00,\"o\":{\"k\":\"v\"}}"`, "db", "json"),
		Found("json: an object in the only entry is its text", `"a":"${nest|json}"`, `"a":"\"{\\\"o\\\":{\\\"k\\\":1.50}}\""`, "nest"),
		Found("a chain of filters", `"a":"${one|json|base64|urlquery}"`, `"a":"Im9ubHki"`, "one"),
		Found("with a filter and no key", `"a":"${one|base64}"`, `"a":"b25seQ=="`, "one"),
	})
}

func TestAReferenceThatDoesNotResolveNamesItsField(t *testing.T) {
	const (
		noSecret = ` refers to a secret that does not exist`
		noEntry  = ` refers to an entry that its secret does not have`
	)
	testResolutions(t, []resolution{
		refusal("no secret", `"a":{"secretKeyRef":{"name":"none"}}`, credential.NotFound, `its field "a"`+noSecret),
		refusal("optional: false", `"a":{"secretKeyRef":{"name":"none","optional":false}}`, credential.NotFound, `its field "a"`+noSecret),
		refusal("an empty secret", `"extra":{"token":"${blank}"}`, credential.NotFound, `its field "extra.token"`+noSecret),
		refusal("no entry", `"extra":{"list":[1,2,{"secretKeyRef":{"name":"db","key":"none"}}]}`, credential.NotFound, `its field "extra.list[2]"`+noEntry),
		refusal("no entry, in a string", `"a":[["x",{"b":"${db#none}"}]]`, credential.NotFound, `its field "a[0][1].b"`+noEntry),
		refusal("no field of an object", `"a":"${sa#none}"`, credential.NotFound, `its field "a"`+noEntry),
		refusal("no field of an empty object", `"a":"${brace#none}"`, credential.NotFound, `its field "a"`+noEntry),
		refusal("null, in a string", `"a":"${json#nothing}"`, credential.NotFound, `its field "a" refers to an entry that is null`),
		refusal("case counts", `"a":"${DB#user}"`, credential.NotFound, `its field "a"`+noSecret),
		refusal("several entries", `"a":{"secretKeyRef":{"name":"db","optional":true,"default":1}}`, credential.FailedPrecondition,
			`its field "a" refers to a secret with several entries, but names none of them`),
		refusal("two entries", `"a":"${pair}"`, credential.FailedPrecondition, `its field "a" refers to a secret with several entries`),
		refusal("an unknown store", `"a":{"secretKeyRef":{"name":"db","key":"user","store":"other"}}`, credential.FailedPrecondition,
			`its field "a" names a store that is not in the Component's secretStores`),
	})
}

func TestAMalformedReferenceNamesItsField(t *testing.T) {
	keyRef := func(name, ref, why string) resolution {
		row := refusal(name, `"b":1,"a":{"x":`+ref+`}`, credential.FailedPrecondition, `its field "a.x" has a "secretKeyRef" `+why)
		row.asked = []string{}
		return row
	}
	text := func(name, s, why string) resolution {
		row := refusal(name, `"b":"${one}","a":["${one}","`+s+`"]`, credential.FailedPrecondition, `its field "a[1]" has a "${…}" that `+why)
		row.asked = []string{}
		return row
	}
	testResolutions(t, []resolution{
		keyRef("not an object", `{"secretKeyRef":"one"}`, "that is not an object"),
		keyRef("null", `{"secretKeyRef":null}`, "that is not an object"),
		keyRef("no name", `{"secretKeyRef":{"key":"k"}}`, `without a "name"`),
		keyRef("an empty name", `{"secretKeyRef":{"name":""}}`, `whose "name" has the wrong type, or is empty`),
		keyRef("a name that is not a string", `{"secretKeyRef":{"name":1}}`, `whose "name" has the wrong type, or is empty`),
		keyRef("an empty key", `{"secretKeyRef":{"name":"one","key":""}}`, `whose "key" has the wrong type, or is empty`),
		keyRef("a key that is null", `{"secretKeyRef":{"name":"one","key":null}}`, `whose "key" has the wrong type, or is empty`),
		keyRef("an empty store", `{"secretKeyRef":{"name":"one","store":""}}`, `whose "store" has the wrong type, or is empty`),
		keyRef("optional as a string", `{"secretKeyRef":{"name":"one","optional":"true"}}`, `whose "optional" has the wrong type, or is empty`),
		keyRef("an unknown field", `{"secretKeyRef":{"name":"one","Key":"value"}}`, "with an unknown field; the known fields are name, key, store, version, optional, default"),
		keyRef("with something after it", `{"secretKeyRef":{"name":"one"},"optional":true}`, "with other fields next to it: it must be the only field of its object"),
		keyRef("with something before it", `{"y":"${one}","secretKeyRef":{"name":"one"}}`, "with other fields next to it: it must be the only field of its object"),
		keyRef("twice", `{"secretKeyRef":{"name":"one"},"secretKeyRef":{"name":"one"}}`, "with other fields next to it: it must be the only field of its object"),
		text("not closed", `${one`, "is not closed by"),
		text("not closed, at the end", `x${`, "is not closed by"),
		text("empty", `${}`, "has no name"),
		text("only a key", `${#value}`, "has no name"),
		text("only a filter", `${|json}`, "has no name"),
		text("an empty key", `${one#}`, `has no key after "#"`),
		text("two keys", `${one#value#x}`, `has a second "#" or a "{" in it`),
		text("one in another", `${one#${one}}`, `has a second "#" or a "{" in it`),
		text("a brace in the name", `${o{ne}`, `has a second "#" or a "{" in it`),
		text("an unknown filter", `${one|upper}`, "has an unknown filter; the known filters are urlquery, base64, json"),
		text("an empty filter", `${one|}`, "has an unknown filter; the known filters are"),
		text("a blank before a filter", `${one| json}`, "has an unknown filter; the known filters are"),
		text("a blank before the name", `${ one}`, "has white space before or after its name or key"),
		text("a blank after the key", `${one#value }`, "has white space before or after its name or key"),
		text("a blank name", `${ }`, "has white space before or after its name or key"),
	})
}
