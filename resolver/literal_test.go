package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 2, literalFields.
func TestLiteralFieldsAreNeitherLookedUpNorReplaced(t *testing.T) {
	hostAndPort := []string{"host", "port"}
	held := secrets{"redis": {"redis-password": "s3cret"}, "p": {"redis": "of the bundle"}, "db": {"db": "DB", "a b": "AB"}}
	for _, row := range []struct {
		name, config, want string
		Literal, lookup    []string
		asked              []string
	}{
		{
			name: "its value is also a reference elsewhere", Literal: hostAndPort, asked: []string{"redis"},
			config: `{"credentialSource":"agent","host":"redis","password":"redis"}`,
			want:   `{"credentialSource":"agent","host":"redis","password":"s3cret"}`,
		},
		{
			name: "no literal fields", asked: []string{"redis"},
			config: `{"credentialSource":"agent","host":"redis","password":"redis"}`,
			want:   `{"credentialSource":"agent","host":"s3cret","password":"s3cret"}`,
		},
		{
			name: "its value is the name of another secret's entry", Literal: hostAndPort, asked: []string{"db"},
			config: `{"credentialSource":"agent","host":"a b","a":"a b","password":"db"}`,
			want:   `{"credentialSource":"agent","host":"a b","a":"AB","password":"DB"}`,
		},
		{
			name: "only at the top level", Literal: hostAndPort, asked: []string{"redis"},
			config: `{"credentialSource":"agent","host":"redis","extra":{"host":"redis"}}`,
			want:   `{"credentialSource":"agent","host":"redis","extra":{"host":"s3cret"}}`,
		},
		{
			name: "they do not count as values to look up", Literal: hostAndPort,
			config: `{"credentialSource":"agent","host":"redis","port":"5432"}`,
			want:   `{"credentialSource":"agent","host":"redis","port":"5432"}`,
		},
		{
			name: "the component's lookupFields take precedence", Literal: hostAndPort, lookup: []string{"host"}, asked: []string{"redis"},
			config: `{"credentialSource":"agent","host":"redis","password":"redis"}`,
			want:   `{"credentialSource":"agent","host":"s3cret","password":"redis"}`,
		},
		{
			name: "the config's lookupFields take precedence", Literal: hostAndPort, asked: []string{"redis"},
			config: `{"credentialSource":"agent","host":"redis","password":"redis","credential-resolver":{"lookupFields":["host"]}}`,
			want:   `{"credentialSource":"agent","host":"s3cret","password":"redis"}`,
		},
		{
			name: "an empty lookupFields takes precedence too", Literal: hostAndPort,
			config: `{"credentialSource":"agent","host":"redis","password":"redis","credential-resolver":{"lookupFields":[]}}`,
			want:   `{"credentialSource":"agent","host":"redis","password":"redis"}`,
		},
		{
			name: "a bundle ignores them", Literal: hostAndPort, asked: []string{"p"},
			config: `{"credentialSource":"agent","secret-path":"p","host":"redis"}`,
			want:   `{"credentialSource":"agent","secret-path":"p","host":"of the bundle"}`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.PutAll(held)
			options := stores.Options()
			options.LiteralFields, options.LookupFields = row.Literal, row.lookup
			assert.Equal(t, row.want, answer(t, resolver.New(options)))
			assert.ElementsMatch(t, row.asked, stores.Secrets.Asked())
		})
	}
}

// Literal fields are not looked up, so they do not count.
func TestLiteralFieldsDoNotCountForMaxSecrets(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","host":"internal","port":"internal-too","password":"pw"}`)
	stores.Secrets.PutAll(secrets{"pw": {"value": "s3cret"}})
	options := stores.Options()
	options.LiteralFields, options.MaxSecrets = []string{"host", "port"}, 1
	options.Allowed = func(name string) bool { return name == "pw" }
	assert.Equal(t, `{"credentialSource":"agent","host":"internal","port":"internal-too","password":"s3cret"}`,
		answer(t, resolver.New(options)))

	stores.Configs.Put(guid, `{"credentialSource":"agent","host":"internal","password":"internal"}`)
	assert.Equal(t, `its field "password" asks for a secret that metadata allowedSecrets does not allow`,
		failed(t, resolver.New(options)).Reason, "the field that asks")

	stores.Configs.Put(guid, `{"credentialSource":"agent","host":"pw","password":"nothing"}`)
	options.Allowed = nil
	assert.Equal(t, credential.FailedPrecondition, failed(t, resolver.New(options)).Kind,
		"of the values to look up, none was replaced")
}

func TestALiteralFieldIsMigratedAsALiteral(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(secrets{"redis": {"redis-password": "s3cret"}})
	options := stores.Options()
	options.LiteralFields = []string{"host"}
	m, err := resolver.New(options).Migrate(t.Context(), guid,
		[]byte(`{"credentialSource":"agent","host":"redis","extra":{"host":"redis"},"password":"redis"}`))
	require.NoError(t, err)
	reference := `{"secretKeyRef":{"name":"redis","key":"redis-password"}}`
	assert.Equal(t, `{"credential-resolver":{"references":"explicit"},"credentialSource":"agent","host":"redis",`+
		`"extra":{"host":`+reference+`},"password":`+reference+`}`, compact(t, m.Config))
	assert.Equal(t, "=credentialSource =!host >extra.host >password", fieldsBecame(m.Fields))
}
