package component_test

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// visible is the Hash of explanations in which tests want to see each name.
func visible(name credential.Reference) string { return "#" + string(name) }

// rowsOf returns the fields of an explanation as texts, such as "a: secret secretStore #pw, the only
// entry of the secret".
func rowsOf(e component.Explanation) []string {
	var rows []string
	for _, f := range e.Fields {
		row := f.Field + ": " + f.Origin
		if f.Store != "" {
			row += " " + f.Store + " " + f.Hash + f.Name + f.Version
		}
		if f.Why != "" {
			row += ", " + f.Why
		}
		if f.LookedUp != nil {
			row += " [" + f.LookedUp.Outcome + " " + f.LookedUp.Hash + f.LookedUp.Name + "]"
		}
		rows = append(rows, row)
	}
	return rows
}

// explain resolves the credential "g" without a cache, and explains it.
func explain(t *testing.T, options resolver.Options, o component.ExplainOptions) component.Explanation {
	t.Helper()
	finished, err := resolver.New(options).Resolve(t.Context(), "g")
	require.NoError(t, err)
	if o.Hash == nil {
		o.Hash = visible
	}
	e, err := component.Explain(cache.Answer{Credential: finished}, o)
	require.NoError(t, err)
	return e
}

const (
	isDirect    = `its credentialSource is "direct" or absent: one secret, named like the GUID`
	isBundle    = `its credentialSource is "agent", and it has a secret-path: one secret with all values`
	isSingleKey = `its credentialSource is "agent", and it has no secret-path: each value may name a secret`
	meaning     = ": literal, not looked up: credentialSource and secret-path never are"
)

func TestAnExplanationTellsWhereEachFieldComesFrom(t *testing.T) {
	refuse := resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("403")})
	type stores = resolvertest.Stores
	for _, row := range []struct {
		name, config string
		change       func(*stores, *resolver.Options)
		mode, why    string
		want         []string
	}{
		{"direct", `{"user":"u","password":"old"}`, nil, "direct multi-key", isDirect, []string{
			"user: literal, the secret has no entry of this name", "password: direct secretStore #g",
		}},
		{"direct, whose secret is an object", `{"password":"old"}`, func(s *stores, _ *resolver.Options) {
			s.Secrets.Put("g", map[string]string{"value": `{"password":"p"}`})
		}, "direct multi-key", isDirect, []string{"password: direct secretStore #g, a field of the JSON object that the secret is"}},
		{"direct without a secret", `{"user":"u"}`, func(s *stores, _ *resolver.Options) { s.Secrets.Delete("g") }, "direct multi-key", isDirect, []string{
			"user: literal, no secret is named like the GUID",
		}},
		{"direct, with a GUID that is no name", `{"user":"u"}`, func(s *stores, o *resolver.Options) {
			o.Secrets = s.Secrets.Named(func(string) bool { return false }, false)
		}, "direct multi-key", isDirect, []string{"user: literal, the secret store cannot have a secret that is named like the GUID"}},
		{
			"an unknown source", `{"credentialSource":"vault"}`, nil, "direct multi-key",
			`its credentialSource is neither "direct" nor "agent", and counts as "direct": one secret, named like the GUID`,
			[]string{"credentialSource: literal, the secret has no entry of this name", "password: direct secretStore #g"},
		},
		{"a bundle", `{"credentialSource":"agent","secret-path":"bundle","n":1,"user":"u","a":"pw","extra":{"b":"pw"}}`, nil, "agent multi-key", isBundle, []string{
			"credentialSource: literal, the bundle has no entry with this value as its name",
			"secret-path: literal, the bundle has no entry with this value as its name", "n: literal, not a text, or empty",
			"user: literal, the bundle has no entry with this value as its name", "a: bundle secretStore #bundle", "extra.b: bundle secretStore #bundle",
		}},
		{"a bundle of which nothing is used", `{"credentialSource":"agent","secret-path":"bundle","a":"x"}`, func(_ *stores, o *resolver.Options) {
			o.AllowUnresolved = true
		}, "agent multi-key", isBundle + "; no value was replaced (unresolved: allow)", []string{
			"credentialSource: literal, the bundle has no entry with this value as its name",
			"secret-path: literal, the bundle has no entry with this value as its name",
			"a: literal, the bundle has no entry with this value as its name",
		}},
		{"a bundle for no value", `{"credentialSource":"agent","secret-path":"bundle"}`, nil, "agent multi-key", isBundle + "; it has no value to replace", []string{
			"credentialSource: literal, the bundle has no entry with this value as its name",
			"secret-path: literal, the bundle has no entry with this value as its name",
		}},
		{
			"single-key", `{"credentialSource":"agent","n":1,"words":"two words","none":"none","a":"pw","b":"one","c":"two","d":"several"}`, nil,
			"agent single-key", isSingleKey,
			[]string{
				"credentialSource" + meaning, "n: literal, not a text, or empty", "words: literal, not looked up: cannot be the name of a secret",
				"none: literal, looked up: there is no such secret [missing #none]", "a: secret secretStore #pw, the only entry of the secret",
				"b: secret secretStore #several, an entry of a secret that another field names [missing #one]",
				"c: secret secretStore #several, an entry of a secret that another field names [missing #two]",
				"d: literal, looked up: the secret has no entry for it, but for other fields [found #several]",
			},
		},
		{"single-key, with an object", `{"credentialSource":"agent","a":"object","b":"p"}`, nil, "agent single-key", isSingleKey, []string{
			"credentialSource" + meaning, "a: secret secretStore #object, a field of the JSON object that the secret is",
			"b: secret secretStore #object, an entry of a secret that another field names [missing #p]",
		}},
		{"an unused secret", `{"credentialSource":"agent","a":"several","b":"pw"}`, nil, "agent single-key", isSingleKey, []string{
			"credentialSource" + meaning, "a: literal, looked up: there is such a secret, but nothing of it is used [found #several]",
			"b: secret secretStore #pw, the only entry of the secret",
		}},
		{"names that are refused", `{"credentialSource":"agent","a":"hidden","b":"forbidden","c":"pw"}`, func(s *stores, o *resolver.Options) {
			s.Secrets.Before("hidden", refuse)
			o.DeniedIsLiteral, o.Allowed = true, func(name string) bool { return name != "forbidden" }
		}, "agent single-key", isSingleKey, []string{
			"credentialSource" + meaning, "a: literal, looked up: the secret store refused it (deniedProbe: literal) [refused #hidden]",
			"b: literal, not looked up: not in allowedSecrets (deniedProbe: literal) [not-allowed #forbidden]",
			"c: secret secretStore #pw, the only entry of the secret",
		}},
		{"literalFields", `{"credentialSource":"agent","host":"pw","b":"pw"}`, func(_ *stores, o *resolver.Options) {
			o.LiteralFields = []string{"host"}
		}, "agent single-key", isSingleKey, []string{
			"credentialSource" + meaning, "host: literal, not looked up: literalFields", "b: secret secretStore #pw, the only entry of the secret",
		}},
		{"lookupFields", `{"credentialSource":"agent","a":"pw","b":"pw","credential-resolver":{"lookupFields":["b"],"secretStore":"second"}}`, func(s *stores, o *resolver.Options) {
			o.Named = map[string]resolver.NamedSecrets{"second": {Store: s.Secrets}}
		}, "agent single-key", isSingleKey, []string{
			"credentialSource" + meaning, "a: literal, not looked up: not in lookupFields", "b: secret secretStores.second #pw, the only entry of the secret",
		}},
		{"nothing replaced", `{"credentialSource":"agent","a":"none"}`, func(_ *stores, o *resolver.Options) {
			o.AllowUnresolved = true
		}, "agent single-key", isSingleKey + "; no value was replaced (unresolved: allow)", []string{
			"credentialSource" + meaning, "a: literal, looked up: there is no such secret [missing #none]",
		}},
		{"nothing to replace", `{"credentialSource":"agent","a":1}`, nil, "agent single-key", isSingleKey + "; it has no value to replace", []string{
			"credentialSource" + meaning, "a: literal, not a text, or empty",
		}},
		{"no store", `{"credentialSource":"agent","a":"pw"}`, func(_ *stores, o *resolver.Options) {
			o.Secrets = nil
		}, "agent single-key", "the Component has no secret store for it, so the credential is the config", []string{
			"credentialSource: literal, no secret store", "a: literal, no secret store",
		}},
		{
			"explicit references", `{"credential-resolver":{"references":"explicit"},"lit":"pw","url":"${pw}:${several#one}","list":[1,"${pw}"],` +
				`"def":{"secretKeyRef":{"name":"none","default":1}},"def2":{"secretKeyRef":{"name":"several","key":"x","default":1}},` +
				`"gone":{"secretKeyRef":{"name":"none","optional":true}},"v":{"secretKeyRef":{"name":"pw","version":"2","store":"second"}}}`,
			func(s *stores, o *resolver.Options) {
				o.Named = map[string]resolver.NamedSecrets{"second": {Store: s.Secrets.Versioned(func(string) error { return nil })}}
			},
			" explicit", `its "credential-resolver" has "references": "explicit"`,
			[]string{
				"lit: literal, not a reference", "url: reference secretStore #pw", "url: reference secretStore #several",
				"list[1]: reference secretStore #pw", "def: reference secretStore #none, the default: there is no such secret",
				"def2: reference secretStore #several, the default: the secret has no such entry",
				"gone: reference secretStore #none, left out, because it is optional: there is no such secret",
				"v: reference secretStores.second #pw2",
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := resolvertest.New(t)
			s.Configs.Put("g", row.config)
			s.Secrets.PutAll(map[string]map[string]string{
				"g": {"password": "v"}, "bundle": {"pw": "v"}, "pw": {"value": "v"}, "pw@2": {"value": "v"},
				"object": {"key.json": `{"object":"v","p":"v"}`}, "several": {"one": "v", "two": "v"},
			})
			options := s.Options()
			if row.change != nil {
				row.change(s, &options)
			}
			e := explain(t, options, component.ExplainOptions{})
			assert.Equal(t, row.want, rowsOf(e))
			assert.Equal(t, row.mode, e.Source+" "+e.Mode)
			assert.Equal(t, row.why, e.Why)
			for _, f := range e.Fields {
				assert.Equal(t, component.Fresh, f.Freshness, f.Field)
			}
		})
	}
}

func TestAnExplanationShowsNamesButNoLiteral(t *testing.T) {
	s := resolvertest.New(t)
	s.Secrets.PutAll(map[string]map[string]string{"pw": {"value": "v"}, "several": {"one": "v", "two": "v"}})
	for config, want := range map[string][]string{
		`{"credentialSource":"agent","a":"pw","b":"a-password","c":"several"}`: {"found pw", "missing #a-password", "found several"},
		`{"user":"u"}`: {"missing g"},
		`{"credential-resolver":{"references":"explicit"},"a":{"secretKeyRef":{"name":"none","optional":true}},"b":"${pw}"}`: {"missing none", "found pw"},
	} {
		s.Configs.Put("g", config)
		e := explain(t, s.Options(), component.ExplainOptions{ShowNames: true})
		var secrets []string
		for _, secret := range e.Secrets {
			secrets = append(secrets, secret.Outcome+" "+secret.Hash+secret.Name)
		}
		assert.Equal(t, want, secrets)
	}
}

// Section 3, fields: a row is wanted if it is a part of what is asked for, or has it as a part.
func TestAnExplanationIsLimitedToFields(t *testing.T) {
	s := resolvertest.New(t)
	s.Secrets.Put("pw", map[string]string{"value": `{"x":{"y":"z"}}`, "two": "2"})
	single := `{"credentialSource":"agent","a":"v","extra":{"token":"t","token2":"pw"},"extra.token2":"own","deep":{"b":{"c":1}}}`
	explicit := `{"credential-resolver":{"references":"explicit"},"o":{"list":["${pw#two}",{"d":"${pw#two}"}],"lists":"${pw#two}"},"a":1}`
	for _, row := range []struct {
		config, fields string
		want           string // "" for an error
	}{
		{single, "a", "a"},
		{single, "extra.token,a", "a extra.token"},
		{single, "extra", "extra.token extra.token2"},
		{single, "extra.token2", "extra.token2"},
		{single, "deep.b.c", "deep"},
		{single, "a,none", ""},
		{single, "deep.none", ""},
		{explicit, "o", "o.list[0] o.list[1].d o.lists"},
		{explicit, "o.list", "o.list[0] o.list[1].d"},
		{explicit, "o.lists,a", "o.lists a"},
	} {
		s.Configs.Put("g", row.config)
		options := s.Options()
		options.AllowUnresolved = true
		finished, err := resolver.New(options).Resolve(t.Context(), "g")
		require.NoError(t, err)
		e, err := component.Explain(cache.Answer{Credential: finished}, component.ExplainOptions{Fields: strings.Split(row.fields, ","), Hash: visible})
		if row.want == "" {
			assert.ErrorIs(t, err, credential.InvalidRequest, row.fields)
			assert.ErrorContains(t, err, "it has no field")
			continue
		}
		require.NoError(t, err)
		var fields []string
		for _, f := range e.Fields {
			fields = append(fields, f.Field)
		}
		assert.Equal(t, row.want, strings.Join(fields, " "), row.fields)
	}
}

func TestAnExplanationIsAsLargeAsAnAnswerMayBe(t *testing.T) {
	s := newFakeStores(t)
	store := s.store()
	var config strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&config, `,"f%d":1`, i)
	}
	s.Configs.Put("g", "{"+config.String()[1:]+"}")
	_, err := get(store, "g", "explain", "true")
	require.ErrorContains(t, err, "ResourceExhausted")
	finished, err := s.Resolver().Resolve(t.Context(), "g")
	require.NoError(t, err)
	_, err = component.Explain(cache.Answer{Credential: finished}, component.ExplainOptions{Hash: visible})
	require.ErrorIs(t, err, credential.TooLarge, "it is refused before it is built")
	data, err := get(store, "g", "explain", "true", "fields", "f1,f2")
	require.NoError(t, err)
	assert.Len(t, decoded(t, data).Fields, 2)
}

// decoded returns the explanation in an answer.
func decoded(t testing.TB, data map[string]string) component.Explanation {
	t.Helper()
	var e component.Explanation
	decoder := stdjson.NewDecoder(strings.NewReader(data[component.ExplainEntry]))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&e))
	return e
}

func TestAnExplanationHoldsNoCanary(t *testing.T) {
	s := newFakeStores(t)
	s.Secrets.PutAll(map[string]map[string]string{
		canary.Reference: {"value": canary.Secret, canary.Secret: canary.Secret}, canary.Path: {canary.Literal: canary.Secret},
	})
	store := s.store()
	for i, config := range []string{
		`{"password":"` + canary.Literal + `"}`,
		`{"credentialSource":"agent","a":"` + canary.Reference + `","b":"` + canary.Literal + `","extra":{"c":"value","d":"` + canary.Words + ` "}}`,
		`{"credentialSource":"agent","secret-path":"` + canary.Path + `","b":"` + canary.Literal + `"}`,
		`{"credential-resolver":{"references":"explicit"},"a":"${` + canary.Path + `}","b":[{"secretKeyRef":{"name":"` + canary.Words + `","default":"` + canary.Literal + `"}}]}`,
	} {
		guid := fmt.Sprint("g", i)
		s.Configs.Put(guid, config)
		data, err := get(store, guid, "explain", "true", "fingerprint", "true")
		require.NoError(t, err, config)
		assert.NotEmpty(t, data[component.FingerprintEntry])
		assert.Len(t, data, 2)
		canary.AssertNone(t, data[component.ExplainEntry])
		assert.NotEmpty(t, decoded(t, data).Fields)
	}
	_, err := get(store, "g0", "explain", "true", "namespace", "n")
	require.ErrorContains(t, err, "InvalidArgument")
	_, err = bulk(store, "explain", "true")
	require.ErrorContains(t, err, "metadata.explain explains one credential: ask for one by its GUID")
	canary.AssertNone(t, s.log.String())
}
