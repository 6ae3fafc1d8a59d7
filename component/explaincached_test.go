package component_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// explained requests the explanation of a credential.
func explained(t testing.TB, store *component.SecretStore, guid string, metadata ...string) component.Explanation {
	t.Helper()
	data, err := get(store, guid, append(metadata, "explain", "true")...)
	require.NoError(t, err)
	return decoded(t, data)
}

// freshness returns the age and the freshness of the whole credential, and then of each field.
func freshness(e component.Explanation) []any {
	all := []any{*e.AgeSeconds, e.Freshness}
	for _, f := range e.Fields {
		all = append(all, f.Field, *f.AgeSeconds, f.Freshness)
	}
	return all
}

func TestAnExplanationTellsHowFreshItIs(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		config := `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`
		s.Configs.Put("a", config)
		s.Configs.Put("b", config)
		s.Secrets.Put("shared", map[string]string{"pw": "one"})
		fields := func(literal float64, word string, secret float64, secretWord string) []any {
			return []any{"credentialSource", literal, word, "secret-path", literal, word, "password", secret, secretWord}
		}
		begin := time.Now()

		assert.Equal(s.t, append([]any{0.0, "fresh"}, fields(0, "fresh", 0, "fresh")...), freshness(explained(s.t, store, "a")))
		<-time.After(10 * time.Second)
		assert.Equal(s.t, append([]any{10.0, "cached"}, fields(10, "cached", 10, "cached")...), freshness(explained(s.t, store, "a")))

		b := explained(s.t, store, "b")
		assert.Equal(s.t, append([]any{10.0, "cached"}, fields(0, "fresh", 10, "cached")...), freshness(b), "the secret is shared")
		assert.Equal(s.t, begin.UTC(), *b.Fields[2].ReadAt)
		assert.Equal(s.t, "cached", b.Secrets[0].Freshness)

		<-time.After(time.Second)
		assert.Equal(s.t, append([]any{0.0, "fresh"}, fields(0, "fresh", 0, "fresh")...), freshness(explained(s.t, store, "b", "refresh", "true")))

		data, err := get(store, "b")
		require.NoError(s.t, err)
		assert.Equal(s.t, "one", data["password"], "an explanation takes no credential's place")
		data, err = get(store, "b", "explain", "false", "format", "json")
		require.NoError(s.t, err)
		assert.Contains(s.t, data, component.ValueEntry)
	})
}

func TestAnExplanationTellsWhyTheAnswerIsStale(t *testing.T) {
	testCached(t, func(s *fakeStores, store *component.SecretStore) {
		explained(s.t, store, "c")
		<-time.After(2 * time.Minute)
		s.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		e := explained(s.t, store, "c")
		assert.Equal(s.t, "the secret store is unavailable", e.StaleWhy)
		assert.Equal(s.t, "stale", e.Freshness)
		for _, f := range e.Fields {
			assert.Equal(s.t, []any{"stale", 120.0}, []any{f.Freshness, *f.AgeSeconds}, f.Field)
		}
		assert.Equal(s.t, "stale", e.Secrets[0].Freshness)

		s.Secrets.Before(resolvertest.Any, nil)
		s.Configs.Before(resolvertest.Any, resolvertest.Fail(credential.Timeout))
		<-time.After(10 * time.Second)
		explained(s.t, store, "c")
		<-time.After(time.Second)
		assert.Equal(s.t, "the config store did not answer in time", explained(s.t, store, "c").StaleWhy)

		s.Configs.Before(resolvertest.Any, nil)
		<-time.After(time.Minute)
		explained(s.t, store, "c")
		<-time.After(time.Second)
		e = explained(s.t, store, "c")
		assert.Empty(s.t, e.StaleWhy)
	})
}

func TestACredentialOfAnEarlierProcessHasNoOrigins(t *testing.T) {
	c := &credential.Credential{
		GUID: "g", Fields: resolvertest.Parse(t, `{"a":"x","extra":{"b":1}}`), ReadAt: time.Now().Add(-time.Minute),
	}
	answer := cache.Answer{Credential: c, State: component.CacheHit}
	e, err := component.Explain(answer, component.ExplainOptions{Hash: visible})
	require.NoError(t, err)
	assert.Equal(t, []string{"a: unknown", "extra: unknown"}, rowsOf(e))
	assert.Equal(t, "not known: it comes from an earlier process of the component; metadata.refresh=true reads it again", e.Why)
	assert.Empty(t, e.Source+e.Mode)
	assert.Empty(t, e.Secrets)
	assert.Equal(t, "cached", e.Fields[0].Freshness)
	assert.InDelta(t, 60, *e.Fields[0].AgeSeconds, 1)

	e, err = component.Explain(answer, component.ExplainOptions{Hash: visible, Fields: []string{"extra.b"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"extra: unknown"}, rowsOf(e))
}
