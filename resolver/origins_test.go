package resolver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

var (
	kinds = map[credential.OriginKind]string{
		credential.FromConfig: "literal", credential.FromDirect: "direct", credential.FromBundle: "bundle",
		credential.FromSecret: "secret", credential.FromReference: "reference",
	}
	whys = map[credential.Why]string{
		credential.WhyNormal: "", credential.WhyNotText: "no text", credential.WhyMeaning: "meaning",
		credential.WhyLiteralField: "literalFields", credential.WhyNotLookupField: "lookupFields",
		credential.WhyNotAName: "no name", credential.WhyNotReplaced: "not replaced", credential.WhyOnlyEntry: "only entry",
		credential.WhyDefault: "default", credential.WhyLeftOut: "left out",
	}
)

// originsIn returns the origins of all fields, such as "a: secret pw (only entry)" and "b: literal
// (not replaced), missing none".
func originsIn(c *credential.Credential) []string {
	var texts []string
	secret := func(i int32) string { return usesIn(c.Provenance)[i] }
	for name, origin := range c.Origins() {
		text := name.String() + ": " + kinds[origin.Kind]
		if origin.Secret != credential.NoSecret {
			text += " " + strings.TrimPrefix(secret(origin.Secret), "found ")
		}
		if why := whys[origin.Why]; why != "" {
			text += " (" + why + ")"
		}
		if origin.LookedUp != credential.NoSecret && origin.LookedUp != origin.Secret {
			text += ", " + secret(origin.LookedUp)
		}
		texts = append(texts, text)
	}
	return texts
}

func TestEachFieldHasAnOrigin(t *testing.T) {
	allSecrets := secrets{
		guid:     {"password": "p", "extra": `{"a":1}`, "credential-resolver": "x"},
		"bundle": {"pw": "p", "tk": "t", "agent": "replaced", "": "x"},
		"object": {"value": `{"pw":"p","tk":"t"}`},
		"pw":     {"value": "p"},
		"same":   {"same": "s", "other": "o"},
		"both":   {"one": "1", "two": "2"},
		"empty":  {"value": ""},
	}
	for _, row := range []struct {
		name, config string
		change       func(*resolver.Options)
		want         []string
	}{
		{"direct", `{"user":"u","n":1,"password":"old","extra":{"a":2,"b":3}}`, nil, []string{
			"user: literal (not replaced)", "n: literal (not replaced)", "password: direct " + guid, "extra: direct " + guid,
		}},
		{"a bundle", `{"credentialSource":"agent","secret-path":"bundle","n":1,"e":"","user":"u","a":"pw","extra":{"b":"tk","c":"x","d":{"e":"pw"}},"z":"pw"}`, nil, []string{
			"credentialSource: bundle bundle", "secret-path: literal (not replaced)", "n: literal (no text)", "e: bundle bundle",
			"user: literal (not replaced)", "a: bundle bundle", "extra.b: bundle bundle", "extra.c: literal (not replaced)",
			"extra.d: literal (no text)", "z: bundle bundle",
		}},
		{"a bundle that is one object", `{"credentialSource":"agent","secret-path":"object","a":"pw"}`, nil, []string{
			"credentialSource: literal (not replaced)", "secret-path: literal (not replaced)", "a: bundle object",
		}},
		{"single-key", `{"credentialSource":"agent","secret-path":null,"n":1,"e":"","words":"two words","none":"none","a":"pw","extra":{"b":"same","c":"none"},"d":"other","f":"empty"}`, nil, []string{
			"credentialSource: literal (meaning)", "secret-path: literal (no text)", "n: literal (no text)", "e: literal (no text)",
			"words: literal (no name)", "none: literal (not replaced), missing none", "a: secret pw (only entry)",
			"extra.b: secret same", "extra.c: literal (not replaced), missing none", "d: secret same, missing other",
			"f: literal (not replaced), missing empty",
		}},
		{"single-key, with an object", `{"credentialSource":"agent","o":"object","a":"pw","b":"tk"}`, nil, []string{
			"credentialSource: literal (meaning)", "o: literal (not replaced), found object", "a: secret object, found pw", "b: secret object, missing tk",
		}},
		{"a secret of which nothing was used", `{"credentialSource":"agent","host":"both","a":"pw"}`, nil, []string{
			"credentialSource: literal (meaning)", "host: literal (not replaced), found both", "a: secret pw (only entry)",
		}},
		{"literalFields", `{"credentialSource":"agent","host":"pw","a":"pw","extra":{"host":"pw"}}`, func(o *resolver.Options) {
			o.LiteralFields = []string{"host"}
		}, []string{
			"credentialSource: literal (meaning)", "host: literal (literalFields)", "a: secret pw (only entry)", "extra.host: secret pw (only entry)",
		}},
		{"lookupFields", `{"credentialSource":"agent","host":"pw","a":"pw","extra":{"b":"pw","c":"pw"}}`, func(o *resolver.Options) {
			o.LookupFields, o.LiteralFields = []string{"a", "extra.c"}, []string{"a"}
		}, []string{
			"credentialSource: literal (meaning)", "host: literal (lookupFields)", "a: secret pw (only entry)",
			"extra.b: literal (lookupFields)", "extra.c: secret pw (only entry)",
		}},
		{"nothing replaced, allowed", `{"credentialSource":"agent","a":"none"}`, func(o *resolver.Options) { o.AllowUnresolved = true }, []string{
			"credentialSource: literal (meaning)", "a: literal (not replaced), missing none",
		}},
		{"no store", `{"credentialSource":"agent","a":"pw","extra":{"b":"pw"}}`, func(o *resolver.Options) { o.Secrets = nil }, []string{
			"credentialSource: literal", "a: literal", "extra: literal",
		}},
		{"an empty extra", `{"credentialSource":"agent","extra":{},"a":"pw"}`, nil, []string{
			"credentialSource: literal (meaning)", "a: secret pw (only entry)",
		}},
		{"extra is text that becomes an object", `{"credentialSource":"agent","secret-path":"nested","extra":"o","b":"x"}`, nil, []string{
			"credentialSource: literal (not replaced)", "secret-path: literal (not replaced)", "extra: bundle nested", "b: literal (not replaced)",
		}},
		{
			"explicit references",
			explicitly(`"first":{"secretKeyRef":{"name":"none","optional":true}},"lit":"pw","url":"${same#same}:${pw}@h","again":"${pw}${pw}",` +
				`"gone":{"secretKeyRef":{"name":"none","optional":true}},"gone2":{"secretKeyRef":{"name":"both","key":"three","optional":true}},` +
				`"def":{"secretKeyRef":{"name":"none","default":1}},"o":{"l":[0,"${pw}",{"secretKeyRef":{"name":"both","key":"one"}}],"n":{"secretKeyRef":{"name":"none","optional":true}}},` +
				`"lit2":2,"last":{"secretKeyRef":{"name":"empty","optional":true}}`),
			nil,
			[]string{
				"first: reference missing none (left out)", "lit: literal", "url: reference same", "url: reference pw", "again: reference pw",
				"gone: reference missing none (left out)", "gone2: reference both (left out)", "def: reference missing none (default)",
				"o.l[1]: reference pw", "o.l[2]: reference both", "o.n: reference missing none (left out)", "lit2: literal",
				"last: reference missing empty (left out)",
			},
		},
		{"explicit without a reference", explicitly(`"a":"pw"`), nil, []string{"a: literal"}},
		{"explicit with only what is left out", explicitly(`"a":{"secretKeyRef":{"name":"none","optional":true}}`), nil, []string{
			"a: reference missing none (left out)",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.PutAll(allSecrets)
			stores.Secrets.Put("nested", map[string]string{"value": `{"o":{"a":1,"b":2}}`})
			options := stores.Options()
			if row.change != nil {
				row.change(&options)
			}
			finished, err := resolver.New(options).Resolve(t.Context(), guid)
			require.NoError(t, err)
			assert.Equal(t, row.want, originsIn(finished))
			n := 0
			for range finished.Origins() {
				n++
				break
			}
			assert.Equal(t, 1, n, "the caller may stop")
		})
	}
}
