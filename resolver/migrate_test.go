package resolver_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// compact returns a config without its indentation.
func compact(t require.TestingT, text []byte) string {
	o, err := credential.ParseObject(text)
	require.NoError(t, err)
	written, err := o.AppendJSON(nil)
	require.NoError(t, err)
	return string(written)
}

// fieldsBecame summarises what became of each field: "=" a literal, "=!" a literal that is also a name,
// ">" a reference, ">!" a reference to another field's secret, ">>" a reference that overrides
// a value.
func fieldsBecame(fields []credential.MigratedField) string {
	marks := map[credential.Became]string{
		credential.BecameLiteral: "=", credential.BecameNamedLiteral: "=!", credential.BecameReference: ">",
		credential.BecameOthersReference: ">!", credential.BecameOverlaid: ">>",
	}
	var words []string
	for _, f := range fields {
		words = append(words, marks[f.Became]+f.Name)
	}
	return strings.Join(words, " ")
}

// Section 8, migrate.
func TestMigrateReplacesValuesByTheirReferences(t *testing.T) {
	const block = `{"credential-resolver":{"references":"explicit"},`
	ref := func(name, key string) string { return `{"secretKeyRef":{"name":"` + name + `","key":"` + key + `"}}` }
	for _, row := range []struct {
		name, config string
		secrets      secrets
		want, told   string
	}{
		{
			"a bundle", `{"credentialSource":"agent","secret-path":"p","host":"h","port":5432.00,"password":"k","extra":{"token":"l","z":12.50,"k":{"k":"x"}},"n":null}`,
			secrets{"p": {"k": "v", "l": "", "m": "unused"}},
			block + `"credentialSource":"agent","secret-path":"p","host":"h","port":5432.00,"password":` + ref("p", "k") +
				`,"extra":{"token":` + ref("p", "l") + `,"z":12.50,"k":{"k":"x"}},"n":null}`,
			"=credentialSource =secret-path =host =port >password >extra.token =extra.z =extra.k =n",
		},
		{
			"a bundle that is a JSON object, with types", `{"credentialSource":"agent","secret-path":"p","a":"n","b":"o","c":"nothing"}`,
			secrets{"p": {"json": `{"n":1.50,"o":{"a":[1e21]},"nothing":null}`}},
			block + `"credentialSource":"agent","secret-path":"p","a":` + ref("p", "n") + `,"b":` + ref("p", "o") + `,"c":` + ref("p", "nothing") + `}`,
			"=credentialSource =secret-path >a >b >c",
		},
		{
			"a literal that is a name, too deep to be looked up", `{"credentialSource":"agent","secret-path":"p","a":"k","b":["k"],"extra":{"c":{"d":"k"},"e":"x"}}`,
			secrets{"p": {"k": "v"}},
			block + `"credentialSource":"agent","secret-path":"p","a":` + ref("p", "k") + `,"b":["k"],"extra":{"c":{"d":"k"},"e":"x"}}`,
			"=credentialSource =secret-path >a =!b =!extra.c =extra.e",
		},
		{
			"direct", `{"host":"h","password":"old","port":1,"other":"password"}`,
			secrets{guid: {"json": `{"password":"new","port":2.50,"more":null}`}},
			block + `"host":"h","password":` + ref(guid, "password") + `,"port":` + ref(guid, "port") + `,"other":"password","more":` + ref(guid, "more") + `}`,
			"=host >>password >>port =!other >more",
		},
		{
			"direct without a secret", `{"host":"h","extra":{"a":"b"}}`, nil, block + `"host":"h","extra":{"a":"b"}}`, "=host =extra",
		},
		{
			"one secret per field", `{"credentialSource":"agent","host":"h","a":"one","extra":{"b":"two"},"c":"some words"}`,
			secrets{"one": {"one": "1", "x": "y"}, "two": {"value": "2"}},
			block + `"credentialSource":"agent","host":"h","a":` + ref("one", "one") + `,"extra":{"b":` + ref("two", "value") + `},"c":"some words"}`,
			"=credentialSource =host >a >extra.b =c",
		},
		{
			"one secret for several fields", `{"credentialSource":"agent","user":"username","password":"password","ref":"db"}`,
			secrets{"db": {"username": "u", "password": "p"}},
			block + `"credentialSource":"agent","user":` + ref("db", "username") + `,"password":` + ref("db", "password") + `,"ref":"db"}`,
			"=credentialSource >!user >!password =!ref",
		},
		{
			"an entry that a later secret overrides", `{"credentialSource":"agent","a":"one","b":"two"}`,
			secrets{"one": {"one": "1", "two": "of one"}, "two": {"one": "of two", "x": ""}},
			block + `"credentialSource":"agent","a":` + ref("two", "one") + `,"b":` + ref("one", "two") + `}`,
			"=credentialSource >!a >!b",
		},
		{
			"an only entry without a name", `{"credentialSource":"agent","a":"one"}`,
			secrets{"one": {"": "1"}},
			block + `"credentialSource":"agent","a":{"secretKeyRef":{"name":"one"}}}`, "=credentialSource >a",
		},
		{
			"fields of an object, one of them the only one", `{"credentialSource":"agent","a":"one","b":"two"}`,
			secrets{"one": {"json": `{"one":1.0,"x":"y"}`}, "two": {"json": `{"value":"2"}`}},
			block + `"credentialSource":"agent","a":` + ref("one", "one") + `,"b":` + ref("two", "value") + `}`, "=credentialSource >a >b",
		},
		{
			"text that looks like a reference, at any depth", `{"credentialSource":"agent","secret-path":"p","a":"k","b":"${k}$","c":"$${","d":[{"${":"x${y}","n":1.0}],"extra":{"e":"${p#k}","f":["${p}"]}}`,
			secrets{"p": {"k": "${p#k}"}},
			block + `"credentialSource":"agent","secret-path":"p","a":` + ref("p", "k") + `,"b":"$${k}$","c":"$$${","d":[{"${":"x$${y}","n":1.0}],"extra":{"e":"$${p#k}","f":["$${p}"]}}`,
			"=credentialSource =secret-path >a =b =c =d =extra.e =extra.f",
		},
		{
			"a source and a path that are names", `{"credentialSource":"agent","secret-path":"p"}`,
			secrets{"p": {"agent": "1", "p": "2"}},
			block + `"credentialSource":` + ref("p", "agent") + `,"secret-path":` + ref("p", "p") + `}`, ">credentialSource >secret-path",
		},
		{
			"lookupFields, which are removed", `{"credential-resolver":{"lookupFields":["a"]},"credentialSource":"agent","a":"one","b":"two"}`,
			secrets{"one": {"v": "1"}, "two": {"v": "2"}},
			block + `"credentialSource":"agent","a":` + ref("one", "v") + `,"b":"two"}`, "=credentialSource >a =b",
		},
		{
			"a field called secretKeyRef, at the top", `{"credentialSource":"agent","secret-path":"p","a":"k","secretKeyRef":"x"}`,
			secrets{"p": {"k": "v"}},
			block + `"credentialSource":"agent","secret-path":"p","a":` + ref("p", "k") + `,"secretKeyRef":"x"}`,
			"=credentialSource =secret-path >a =secretKeyRef",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Secrets.PutAll(row.secrets)
			r := stores.Resolver()
			m, err := r.Migrate(t.Context(), guid, []byte(row.config))
			require.NoError(t, err)
			assert.Equal(t, row.want, compact(t, m.Config))
			assert.Equal(t, row.told, fieldsBecame(m.Fields))
			assert.Equal(t, strings.Contains(row.config, "lookupFields"), m.LookupFieldsDropped)

			stores.Configs.Put(guid, row.config)
			before := answer(t, r)
			stores.Configs.Put(guid, string(m.Config))
			assert.Equal(t, before, answer(t, r))
			assertRedacted(t, "a migration", *m)
		})
	}
}

func TestMigrateExplainsWhatItCannotMigrate(t *testing.T) {
	for _, row := range []struct {
		name, config string
		kind         credential.Kind
		reason       string
	}{
		{"no config", `[]`, credential.FailedPrecondition, "its config is not a JSON object"},
		{"a config that never resolves", `{"secret-path":1}`, credential.FailedPrecondition, "neither a string nor null"},
		{"a config that does not resolve", `{"credentialSource":"agent","secret-path":"none"}`, credential.NotFound, "there is no secret under"},
		{"explicit already", explicitly(`"a":1`), credential.FailedPrecondition, "its references are explicit already"},
		{
			"a literal that would become a reference", `{"credentialSource":"agent","secret-path":"p","a":"k","b":[{"secretKeyRef":{"name":"p"}}]}`, credential.FailedPrecondition,
			`its field "b" holds a field "secretKeyRef", which would be read as an explicit reference`,
		},
		{
			"a literal in extra that would become one", `{"credentialSource":"agent","secret-path":"p","extra":{"secretKeyRef":"k"}}`, credential.FailedPrecondition,
			`its field "extra" holds a field "secretKeyRef"`,
		},
		{
			"an entry with an empty name", `{"credentialSource":"agent","secret-path":"p","a":""}`, credential.FailedPrecondition,
			`its field "a" comes from an entry with an empty name`,
		},
		{
			"a field named like the entry that holds it", `{"credentialSource":"agent","secret-path":"o","a":"json"}`, credential.FailedPrecondition,
			`its field "a" comes from a field of a JSON object, but an entry of the secret has the same name`,
		},
		{
			"an only field without a name", `{"credentialSource":"agent","a":"n"}`, credential.FailedPrecondition,
			`its field "a" comes from an entry with an empty name`,
		},
		{
			"escapes that would be written differently", `{"credentialSource":"agent","secret-path":"p","a":"k","b":["\u00e9${"]}`, credential.FailedPrecondition,
			"explicit references would change the credential",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Secrets.Put("p", map[string]string{"k": "v", "": "w"})
			stores.Secrets.Put("o", map[string]string{"json": `{"json":"v"}`})
			stores.Secrets.Put("n", map[string]string{"json": `{"":"v"}`})
			m, err := stores.Resolver().Migrate(t.Context(), guid, []byte(row.config))
			assert.Nil(t, m)
			require.ErrorIs(t, err, row.kind)
			assert.Contains(t, err.Error(), `credential "`+guid+`": `)
			assert.Contains(t, err.Error(), row.reason)
		})
	}
	_, err := resolver.New(resolver.Options{Named: map[string]resolver.NamedSecrets{"s": {Store: resolvertest.New(t).Secrets}}}).
		Migrate(t.Context(), guid, []byte(`{}`))
	assert.ErrorContains(t, err, "the Component has no secret store")
	_, err = resolver.New(resolver.Options{}).Migrate(t.Context(), guid, []byte(`{}`))
	assert.ErrorContains(t, err, "the Component has no secret store")
}

// Migrate proves equality by resolving both configs from the stores.
func TestMigrateFailsIfASecretChangesMeanwhile(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.Put("p", map[string]string{"k": "1"})
	stores.Secrets.Before("p", func(context.Context) error {
		stores.Secrets.Put("p", map[string]string{"k": strings.Repeat("x", len(stores.Secrets.Asked()))})
		return nil
	})
	_, err := stores.Resolver().Migrate(t.Context(), guid, []byte(`{"credentialSource":"agent","secret-path":"p","a":"k"}`))
	assert.ErrorContains(t, err, "explicit references would change the credential")
}

func TestMigrateTakesNoCachedSecret(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.Put("p", map[string]string{"v": "1"})
	const config = `{"credentialSource":"agent","a":"p"}`
	stores.Configs.Put(guid, config)
	options := stores.Options()
	options.Cache = cache.DefaultOptions()
	r := resolver.New(options)
	defer r.Close()
	answer(t, r)
	stores.Secrets.Put("p", map[string]string{"w": "1"})
	m, err := r.Migrate(t.Context(), guid, []byte(config))
	require.NoError(t, err)
	assert.Contains(t, compact(t, m.Config), `"key":"w"`)
}

func TestMigrateKeepsTheStoreOfTheConfig(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.Put("one", map[string]string{"v": "1"})
	r := resolver.New(resolver.Options{Named: map[string]resolver.NamedSecrets{"s": {Store: stores.Secrets}}})
	m, err := r.Migrate(t.Context(), guid, []byte(`{"credentialSource":"agent","a":"one","credential-resolver":{"secretStore":"s"}}`))
	require.NoError(t, err)
	assert.Equal(t, `{"credential-resolver":{"secretStore":"s","references":"explicit"},"credentialSource":"agent",`+
		`"a":{"secretKeyRef":{"name":"one","key":"v"}}}`, compact(t, m.Config))
}

// Migrate either returns a config that resolves to the same credential, or refuses.
func TestMigrateNeverChangesTheCredential(t *testing.T) {
	migrated := 0
	rapid.Check(t, func(rt *rapid.T) {
		config := drawnConfig.Draw(rt, "config")
		if rapid.Bool().Draw(rt, "agent") {
			config = append(config, member{"credentialSource", "agent"})
			if rapid.Bool().Draw(rt, "bundle") {
				config = append(config, member{"secret-path", "k"})
			}
		}
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, jsonOf(config))
		for _, name := range []string{"k", "l", "m", guid} {
			drawnSecret(rt, stores, name)
		}
		r := stores.Resolver()
		before, err := r.Resolve(t.Context(), guid)
		m, failure := r.Migrate(t.Context(), guid, []byte(jsonOf(config)))
		if err != nil {
			require.Equal(rt, err.Error(), failure.Error())
			return
		}
		if failure != nil {
			require.ErrorContains(rt, failure, "an entry with an empty name")
			return
		}
		migrated++
		require.True(rt, json.Valid(m.Config))
		stores.Configs.Put(guid, string(m.Config))
		after, err := r.Resolve(t.Context(), guid)
		require.NoError(rt, err)
		require.Equal(rt, text(rt, before.Fields.AsValue()), text(rt, after.Fields.AsValue()))
	})
	require.Positive(t, migrated)
}
