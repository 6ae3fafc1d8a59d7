package resolver_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// The audit log tells which of several stores failed. The public text does not.
func TestAFailureHasTheLabelOfItsStore(t *testing.T) {
	const ours, agent = `"credential-resolver":{"secretStore":"second"}`, `"credentialSource":"agent"`
	unavailable := resolvertest.Fail(credential.Unavailable)
	notUTF8 := map[string]string{"json": "{\"a\":\"\xe9\"}"}
	for name, test := range map[string]struct {
		config string
		fail   func(second *resolvertest.Secrets)
		kind   credential.Kind
	}{
		"a bundle":           {`{` + agent + `,"secret-path":"s","a":"k",` + ours + `}`, before("s", unavailable), credential.Unavailable},
		"a direct bundle":    {`{"a":"k",` + ours + `}`, before(guid, unavailable), credential.Unavailable},
		"a lookup":           {`{` + agent + `,"a":"s",` + ours + `}`, before("s", unavailable), credential.Unavailable},
		"a missing bundle":   {`{` + agent + `,"secret-path":"s","a":"k",` + ours + `}`, nothing, credential.NotFound},
		"not UTF-8":          {`{` + agent + `,"secret-path":"s","a":"k",` + ours + `}`, holds("s", notUTF8), credential.FailedPrecondition},
		"a reference":        {explicitly(`"a":{"secretKeyRef":{"name":"s","store":"second"}}`), before("s", unavailable), credential.Unavailable},
		"its own store":      {`{"credential-resolver":{"references":"explicit","secretStore":"second"},"a":"${s}"}`, before("s", unavailable), credential.Unavailable},
		"nothing referred":   {explicitly(`"a":{"secretKeyRef":{"name":"s","store":"second"}}`), nothing, credential.NotFound},
		"nothing in its own": {`{"credential-resolver":{"references":"explicit","secretStore":"second"},"a":"x${s}"}`, nothing, credential.NotFound},
		"no entry":           {explicitly(`"a":{"secretKeyRef":{"name":"s","key":"none","store":"second"}}`), holds("s", map[string]string{"k": "v"}), credential.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := resolvertest.New(t), resolvertest.New(t)
			first.Configs.Put(guid, test.config)
			test.fail(second.Secrets)
			options := first.Options()
			options.Named = map[string]resolver.NamedSecrets{"second": {Store: second.Secrets}}
			failure := failed(t, resolver.New(options))
			assert.Equal(t, test.kind, failure.Kind)
			assert.Equal(t, "secretStores.second", failure.Store)
			assert.False(t, strings.Contains(failure.Error(), "second"), failure.Error())
		})
	}
}

func nothing(*resolvertest.Secrets) {}

func before(name string, hook resolvertest.Hook) func(*resolvertest.Secrets) {
	return func(second *resolvertest.Secrets) { second.Before(name, hook) }
}

func holds(name string, entries map[string]string) func(*resolvertest.Secrets) {
	return func(second *resolvertest.Secrets) { second.Put(name, entries) }
}
