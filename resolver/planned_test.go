package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 10 reserves names for a later version. They are refused by name.
func TestPlannedFiltersAreNotSupportedYet(t *testing.T) {
	const not = ", which is not supported yet"
	filter := func(field, name string) string {
		return `its field "` + field + `" has a "${…}" that has the filter ` + name + not + ` (for a literal "${", write "$${")`
	}
	for _, row := range []struct{ fields, want string }{
		{`"a":"${pw|base64decode}"`, filter("a", "base64decode")},
		{`"a":"x ${pw#value|trim} y"`, filter("a", "trim")},
		{`"a":{"b":"${pw|json|base64decode|base64}"}`, filter("a.b", "base64decode")},
	} {
		t.Run(row.fields, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Secrets.Put("pw", map[string]string{"value": canary.Secret})
			stores.Configs.Put(guid, explicitly(row.fields))
			failure := failed(t, stores.Resolver())
			assert.Equal(t, credential.FailedPrecondition, failure.Kind)
			assert.Equal(t, row.want, failure.Reason)
			assert.Empty(t, stores.Secrets.Asked())
			assertRedactedError(t, failure)
		})
	}
}
