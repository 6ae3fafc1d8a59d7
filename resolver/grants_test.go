package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// grants returns the granted names and the texts of the reports.
func grants(t *testing.T, r *resolver.Resolver, opts resolver.GrantOptions) (names, reports []string) {
	t.Helper()
	opts.Report = func(err error) { reports = append(reports, err.Error()) }
	names, err := r.Grants(t.Context(), opts)
	require.NoError(t, err)
	return names, reports
}

func TestGrantsAreStatedNamesAndLookedUpSecrets(t *testing.T) {
	stores, other := resolvertest.New(t), resolvertest.New(t)
	stores.Secrets.PutAll(map[string]map[string]string{"key": {"value": "v"}, "empty": {"value": ""}, "unused": {"value": "v"}})
	stores.Configs.Put("bundle", `{"credentialSource":"agent","secret-path":"not-stored-yet","p":"unused"}`)
	stores.Configs.Put("direct", `{"a":"b"}`)
	stores.Configs.Put("single", `{"credentialSource":"agent","api":"key","user":"`+canary.Secret+`","also":"empty"}`)
	stores.Configs.Put("elsewhere", explicitly(`"a":{"secretKeyRef":{"name":"o","store":"other"}}`))
	stores.Configs.Put("broken", `[]`)
	opts := asks(stores, other)

	names, reports := grants(t, resolver.New(opts), resolver.GrantOptions{})
	assert.Equal(t, []string{"direct", "key", "not-stored-yet"}, names)
	require.Len(t, reports, 2)
	assert.Contains(t, reports[0], `credential "broken"`)
	assert.Contains(t, reports[1], `credential "single": it looks up the values of "user", "also", which name no secret`)
	canary.AssertNone(t, reports[0]+reports[1])

	names, reports = grants(t, resolver.New(opts), resolver.GrantOptions{Literals: true})
	assert.Equal(t, []string{canary.Secret, "direct", "empty", "key", "not-stored-yet"}, names)
	assert.Len(t, reports, 1)

	opts.DeniedIsLiteral = true
	names, reports = grants(t, resolver.New(opts), resolver.GrantOptions{})
	assert.Equal(t, []string{"direct", "key", "not-stored-yet"}, names)
	assert.Len(t, reports, 1, "a refused literal does no harm")

	names, _ = grants(t, resolver.New(opts), resolver.GrantOptions{Store: "other"})
	assert.Equal(t, []string{"o"}, names)
}

func TestGrantsAskOnceForEachValue(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.Put("key", map[string]string{"value": "v"})
	for _, guid := range []string{"a", "b", "c"} {
		stores.Configs.Put(guid, `{"credentialSource":"agent","api":"key","user":"app"}`)
	}
	grants(t, stores.Resolver(), resolver.GrantOptions{})
	assert.ElementsMatch(t, []string{"key", "app"}, stores.Secrets.Asked())
}

func TestGrantsFailWithTheSecretStore(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put("a", `{"credentialSource":"agent","api":"key"}`)
	r := stores.Resolver()
	stores.Secrets.Before("key", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied}))
	names, reports := grants(t, r, resolver.GrantOptions{})
	assert.Empty(t, names, "nobody knows whether it is a secret")
	assert.Len(t, reports, 1)

	stores.Secrets.Before("key", resolvertest.Fail(&credential.StoreError{Kind: credential.Unavailable}))
	_, err := r.Grants(t.Context(), resolver.GrantOptions{Report: func(error) {}})
	assert.ErrorIs(t, err, credential.Unavailable)
}
