package resolver_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 5: the texts are fixed and name the credential.
func TestErrorWording(t *testing.T) {
	held := secrets{"p": {"x": "1"}, "not UTF-8": {"x": "{\"\xff\":1}"}}
	fail := func(kind credential.Kind) resolvertest.Hook {
		return resolvertest.Fail(&credential.StoreError{Kind: kind, Err: errors.New("their words")})
	}
	for _, row := range []struct {
		name, config  string
		reading, hook resolvertest.Hook
		want          string
	}{
		{name: "no such credential", want: "no such credential"},
		{name: "not JSON", config: `{`, want: "its config is not valid JSON"},
		{name: "not an object", config: `[]`, want: "its config is not a JSON object"},
		{name: "a missing bundle", config: `{"credentialSource":"agent","secret-path":"q"}`, want: `there is no secret under its "secret-path"`},
		{
			name: "nothing replaced", config: `{"credentialSource":"agent","secret-path":"p","a":"k"}`,
			want: `none of its fields names a secret that the secret store has (metadata "unresolved: allow" returns such a credential unchanged)`,
		},
		{name: "config store: denied", reading: fail(credential.Denied), want: "the config store refused the request"},
		{name: "config store: unavailable", reading: fail(credential.Unavailable), want: "the config store is unavailable"},
		{name: "config store: out of time", reading: fail(credential.Timeout), want: "the config store did not answer in time"},
		{name: "config store: a fault", reading: fail(credential.Internal), want: "internal error"},
		{name: "secret store: denied", config: `{}`, hook: fail(credential.Denied), want: "the secret store refused the request"},
		{name: "secret store: unavailable", config: `{}`, hook: fail(credential.Unavailable), want: "the secret store is unavailable"},
		{name: "secret store: out of time", config: `{}`, hook: fail(credential.Timeout), want: "the secret store did not answer in time"},
		{
			name: "a secret that cannot be read", config: `{"credentialSource":"agent","secret-path":"not UTF-8"}`,
			want: "one of its secrets is a JSON object that is not valid UTF-8",
		},
		{name: "secret store: a fault", config: `{}`, hook: fail(credential.Internal), want: "internal error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			if row.config != "" {
				stores.Configs.Put(guid, row.config)
			}
			stores.Secrets.PutAll(held)
			stores.Configs.Before(guid, row.reading)
			stores.Secrets.Before(guid, row.hook)
			failure := failed(t, stores.Resolver())
			assert.Equal(t, `credential "`+guid+`": `+row.want, failure.Error())
			assert.Equal(t, row.want, failure.Reason)
		})
	}
}

func TestErrorMatchesItsKindAndCause(t *testing.T) {
	theirs := errors.New("their words")
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k"}`)
	stores.Secrets.Before("k", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: theirs}))
	_, err := stores.Resolver().Resolve(t.Context(), guid)

	wrapped := fmt.Errorf("answer: %w", err)
	assert.ErrorIs(t, wrapped, credential.Denied)
	assert.NotErrorIs(t, wrapped, credential.Unavailable)
	assert.NotErrorIs(t, wrapped, credential.NotFound)
	assert.ErrorIs(t, wrapped, theirs)
	var failure *credential.Error
	require.ErrorAs(t, wrapped, &failure)
	var store *credential.StoreError
	require.ErrorAs(t, wrapped, &store)
	assert.Equal(t, theirs, store.Err)
}

// Detail is for the log. It contains the store's own text, which may quote the reference, and a
// reference may be a password.
func TestDetailRedactsTheReference(t *testing.T) {
	const reference = "Tr0ub4dor3"
	fail := func(err error) *credential.Error {
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, `{"credentialSource":"agent","a":"`+reference+`"}`)
		stores.Secrets.Before(reference, resolvertest.Fail(err))
		return failed(t, stores.Resolver())
	}
	theirs := errors.New("GET /secret/" + reference + ": no route to " + reference)
	const want = "GET /secret/[redacted]: no route to [redacted]"
	assert.Equal(t, want, fail(theirs).Detail())
	assert.Equal(t, want, fail(&credential.StoreError{Kind: credential.Denied, Err: theirs}).Detail())
	assert.Equal(t, want, fail(fmt.Errorf("get: %w", &credential.StoreError{Err: theirs})).Detail())
	assert.Equal(t, "store: denied", fail(&credential.StoreError{Kind: credential.Denied}).Detail())

	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"Prod DB/50%","a":"k"}`)
	stores.Secrets.Before("Prod DB/50%", resolvertest.Fail(errors.New(`Get "http://h/v1/Prod%20DB/50%25?version=0": no route`)))
	assert.Equal(t, `Get "http://h/v1/[redacted]?version=0": no route`, failed(t, stores.Resolver()).Detail(), "escaped by segments")
}

// The reference may be part of the fixed word that replaces it.
func TestDetailKeepsTheFixedWordWhole(t *testing.T) {
	for reference, want := range map[string]string{"r": "fo [redacted] us", "red": "fo r us", "redacted": "fo r us"} {
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, `{"credentialSource":"agent","a":"`+reference+`"}`)
		stores.Secrets.Before(reference, resolvertest.Fail(errors.New("fo r us "+reference)))
		assert.Equal(t, want+" [redacted]", failed(t, stores.Resolver()).Detail())
	}
}

func TestDetailWithoutAReference(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Before(guid, resolvertest.Fail(errors.New("no route to host")))
	assert.Equal(t, "no route to host", failed(t, stores.Resolver()).Detail())

	stores = resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k"}`)
	assert.Empty(t, failed(t, stores.Resolver()).Detail(), "no store failed")
}
