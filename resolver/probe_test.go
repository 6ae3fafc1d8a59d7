package resolver_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 2, lookupFields: only those fields may be references. A config's own list takes
// precedence over the Component's.
func TestOnlyLookupFieldsAreLookedUp(t *testing.T) {
	const fields = `"host":"h","password":"pw","extra":{"token":"tk","password":"other"}`
	for _, row := range []struct {
		name      string
		component []string
		own       string
		asked     []string
		want      string
	}{
		{"all", nil, ``, []string{"h", "other", "pw", "tk"}, `"host":"H","password":"PW","extra":{"token":"TK","password":"OTHER"}`},
		{"a field", []string{"password"}, ``, []string{"pw"}, `"host":"h","password":"PW","extra":{"token":"tk","password":"other"}`},
		{"a field of extra", []string{"extra.token"}, ``, []string{"tk"}, `"host":"h","password":"pw","extra":{"token":"TK","password":"other"}`},
		{"a value that is also in another field", []string{"again"}, `,"again":"pw"`, []string{"pw"}, `"host":"h","password":"pw","extra":{"token":"tk","password":"other"},"again":"PW"`},
		{"a field that does not exist", []string{"nix", "host"}, ``, []string{"h"}, `"host":"H","password":"pw","extra":{"token":"tk","password":"other"}`},
		{
			"the config's own list",
			[]string{"host"},
			`,"credential-resolver":{"lookupFields":["password","extra.token"]}`,
			[]string{"pw", "tk"},
			`"host":"h","password":"PW","extra":{"token":"TK","password":"other"}`,
		},
		{"the config's own list, empty", nil, `,"credential-resolver":{"lookupFields":[]}`, nil, fields},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, `{"credentialSource":"agent",`+fields+row.own+`}`)
			stores.Secrets.PutAll(secrets{"h": {"h": "H"}, "pw": {"pw": "PW"}, "tk": {"tk": "TK"}, "other": {"other": "OTHER"}})
			options := stores.Options()
			options.LookupFields = row.component
			assert.Equal(t, `{"credentialSource":"agent",`+row.want+`}`, answer(t, resolver.New(options)))
			assert.ElementsMatch(t, row.asked, stores.Secrets.Asked())
		})
	}
}

// Section 2, deniedProbe.
func TestRefusedLookupIsAnErrorOrALiteral(t *testing.T) {
	refuse := resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("403")})
	const config = `{"credentialSource":"agent","host":"h","password":"pw"}`
	stores := func(t *testing.T) (*resolvertest.Stores, resolver.Options) {
		t.Helper()
		s := resolvertest.New(t)
		s.Configs.Put(guid, config)
		s.Secrets.PutAll(secrets{"pw": {"pw": "PW"}})
		s.Secrets.Before("h", refuse)
		return s, s.Options()
	}
	t.Run("the default fails", func(t *testing.T) {
		_, options := stores(t)
		assert.Equal(t, credential.Denied, failed(t, resolver.New(options)).Kind)
	})
	t.Run("deniedProbe literal keeps the value", func(t *testing.T) {
		_, options := stores(t)
		options.DeniedIsLiteral = true
		assert.Equal(t, `{"credentialSource":"agent","host":"h","password":"PW"}`, answer(t, resolver.New(options)))
	})
	t.Run("a former secret is no literal", func(t *testing.T) {
		s, options := stores(t)
		options.DeniedIsLiteral = true
		r := resolver.New(options)
		answer(t, r)
		s.Secrets.Before("pw", refuse)
		assert.Equal(t, credential.Denied, failed(t, r).Kind)
	})
	t.Run("an outage makes no literal", func(t *testing.T) {
		s, options := stores(t)
		options.DeniedIsLiteral = true
		s.Secrets.Before("h", resolvertest.Fail(errors.New("no route")))
		assert.Equal(t, credential.Unavailable, failed(t, resolver.New(options)).Kind)
	})
	for name, refusal := range map[string]error{
		"a store-wide refusal makes no literal": &credential.StoreError{Kind: credential.Denied, General: true, Err: errors.New("401")},
		"a bare kind makes no literal":          credential.Denied,
	} {
		t.Run(name, func(t *testing.T) {
			s, options := stores(t)
			options.DeniedIsLiteral = true
			s.Secrets.Before("h", resolvertest.Fail(refusal))
			assert.Equal(t, credential.Denied, failed(t, resolver.New(options)).Kind)
		})
	}
	t.Run("a name that is not allowed is not asked for", func(t *testing.T) {
		s, options := stores(t)
		options.DeniedIsLiteral = true
		options.Allowed = func(name string) bool { return name == "pw" }
		assert.Equal(t, `{"credentialSource":"agent","host":"h","password":"PW"}`, answer(t, resolver.New(options)))
		assert.Equal(t, []string{"pw"}, s.Secrets.Asked())
	})
	t.Run("a refused bundle fails", func(t *testing.T) {
		s, options := stores(t)
		options.DeniedIsLiteral = true
		s.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"h","a":"b"}`)
		assert.Equal(t, credential.Denied, failed(t, resolver.New(options)).Kind)
	})
}

// Section 2, secretStores.
func TestConfigChoosesItsSecretStore(t *testing.T) {
	one, two := resolvertest.New(t), resolvertest.New(t)
	one.Secrets.PutAll(secrets{"pw": {"pw": "one"}, guid: {"a": "one"}})
	two.Secrets.PutAll(secrets{"pw": {"pw": "two"}, "bundle": {"pw": "two-b"}, guid: {"a": "two"}})
	options := one.Options()
	options.Named = map[string]resolver.NamedSecrets{"second": {Store: two.Secrets}}
	r := resolver.New(options)
	const own = `,"credential-resolver":{"secretStore":"second"}}`
	for config, want := range map[string]string{
		`{"credentialSource":"agent","a":"pw"}`:                             `{"credentialSource":"agent","a":"one"}`,
		`{"credentialSource":"agent","a":"pw"` + own:                        `{"credentialSource":"agent","a":"two"}`,
		`{"credentialSource":"agent","secret-path":"bundle","a":"pw"` + own: `{"credentialSource":"agent","secret-path":"bundle","a":"two-b"}`,
		`{"x":1}`:      `{"x":1,"a":"one"}`,
		`{"x":1` + own: `{"x":1,"a":"two"}`,
	} {
		one.Configs.Put(guid, config)
		assert.Equal(t, want, answer(t, r), config)
	}

	t.Run("stores do not share known secrets", func(t *testing.T) {
		two.Secrets.PutAll(secrets{"only-two": {"only-two": "v"}})
		one.Configs.Put(guid, `{"credentialSource":"agent","a":"only-two","b":"pw"`+own)
		answer(t, r)
		one.Configs.Put(guid, `{"credentialSource":"agent","a":"only-two","b":"pw"}`)
		assert.Equal(t, `{"credentialSource":"agent","a":"only-two","b":"one"}`, answer(t, r))
	})
	t.Run("without a default store", func(t *testing.T) {
		options := one.Options()
		options.Secrets, options.Named = nil, map[string]resolver.NamedSecrets{"second": {Store: two.Secrets}}
		r := resolver.New(options)
		one.Configs.Put(guid, `{"credentialSource":"agent","a":"pw"}`)
		assert.Equal(t, `{"credentialSource":"agent","a":"pw"}`, answer(t, r))
		one.Configs.Put(guid, `{"credentialSource":"agent","a":"pw"`+own)
		require.Equal(t, `{"credentialSource":"agent","a":"two"}`, answer(t, r))
	})
}
