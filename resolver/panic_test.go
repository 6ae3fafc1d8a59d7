package resolver_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 9: a panic in one request is that request's Internal.
func TestAPanicInASecretStoreIsInternal(t *testing.T) {
	for _, place := range failingPlaces() {
		if place.secret == "" {
			continue
		}
		for name, value := range map[string]any{
			"a string": "s3cret", "an error": errors.New("s3cret"), "a number": 7, "a missing secret's": Missing(),
		} {
			t.Run(place.name+", with "+name, func(t *testing.T) {
				stores := place.fail(t, resolvertest.Panic(value))
				r := stores.Resolver()
				failure := failed(t, r)
				assert.Equal(t, credential.Internal, failure.Kind)
				assert.Equal(t, place.store, failure.Store)
				assert.Equal(t, `credential "`+guid+`": internal error`, failure.Error())
				assert.NotContains(t, failure.Detail(), "s3cret")

				stores.Secrets.Before(place.secret, nil)
				answer(t, r)
			})
		}
	}
}

func TestPanicInAnyLookupIsInternal(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k","b":"l","c":"m","extra":{"d":"n"}}`)
	stores.Secrets.Before(resolvertest.Any, resolvertest.Panic("s3cret"))
	assert.Equal(t, credential.Internal, failed(t, stores.Resolver()).Kind)
}
