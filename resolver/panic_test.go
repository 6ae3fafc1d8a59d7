package resolver_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 9: a panic in one request is Internal for that request only. The flight that a resolution
// runs in recovers it.
func TestAPanicInAStoreIsInternal(t *testing.T) {
	for _, place := range failingPlaces() {
		for name, value := range map[string]any{
			"a string": "s3cret", "an error": errors.New("s3cret"), "a number": 7, "a missing secret's": Missing(),
		} {
			t.Run(place.name+", with "+name, func(t *testing.T) {
				stores := place.fail(t, resolvertest.Panic(value))
				handler := cache.New(cache.Options{}).Over(stores.Resolver(), resolver.DefaultTimeout)
				defer handler.Close()
				_, err := handler.Resolve(t.Context(), guid, cache.Ask{})
				require.EqualError(t, err, `credential "`+guid+`": internal error`)
				require.ErrorIs(t, err, credential.Internal)
				assertRedactedError(t, err)

				stores.Configs.Before(guid, nil)
				stores.Secrets.Before(place.secret, nil)
				_, err = handler.Resolve(t.Context(), guid, cache.Ask{})
				require.NoError(t, err)
			})
		}
	}
}

// Lookups run in goroutines of their own, where no caller could recover.
func TestPanicInAnyLookupIsInternal(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k","b":"l","c":"m","extra":{"d":"n"}}`)
	stores.Secrets.Before(resolvertest.Any, resolvertest.Panic("s3cret"))
	assert.Equal(t, credential.Internal, failed(t, stores.Resolver()).Kind)
}
