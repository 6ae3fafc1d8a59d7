package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 2: with environment: local, a secret store is optional.
func TestLocalAnswersConfigsUnchanged(t *testing.T) {
	for _, row := range []struct{ name, config, want string }{
		{"direct", `{"z":"1","a":12.50}`, `{"z":"1","a":12.50}`},
		{"agent", `{"credentialSource":"agent","a":"k"}`, `{"credentialSource":"agent","a":"k"}`},
		{"agent with a bundle", `{"credentialSource":"agent","secret-path":"p"}`, `{"credentialSource":"agent","secret-path":"p"}`},
		{"an invalid secret-path", `{"secret-path":1}`, `{"secret-path":1}`},
		{"without our own field", `{"a":1,"credential-resolver":{},"b":2}`, `{"a":1,"b":2}`},
		{"without our own field, even an invalid one", `{"a":1,"credential-resolver":[1],"b":2}`, `{"a":1,"b":2}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			assert.Equal(t, row.want, answer(t, resolver.New(resolver.Options{Configs: stores.Configs})))
		})
	}
}

func TestLocalStillValidatesConfigs(t *testing.T) {
	stores := resolvertest.New(t)
	r := resolver.New(resolver.Options{Configs: stores.Configs})
	assert.Equal(t, credential.NotFound, failed(t, r).Kind)

	for _, config := range []string{`[]`, `{`, `"agent"`} {
		stores.Configs.Put(guid, config)
		assert.Equal(t, credential.FailedPrecondition, failed(t, r).Kind, config)
	}
}

func TestLocalReportsAnUnknownSource(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"Agent"}`)
	var reported reports
	answer(t, resolver.New(resolver.Options{Configs: stores.Configs, Observer: &reported}))
	assert.Len(t, reported.unknownSource, 1)
}
