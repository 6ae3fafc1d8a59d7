package resolver_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// failing is a credential that resolves except for one call to a store. The test sets a hook
// before that call.
type failing struct {
	name, config string
	// store is the failing store, as an error names it.
	store string
	// secret is the name whose read fails; "" if the config store fails.
	secret string
}

// failingPlaces lists every call to a store that a resolution makes.
func failingPlaces() []failing {
	const config, secret = "configStore", "secretStore"
	return []failing{
		{"reading the config", `{"a":"k"}`, config, ""},
		{"the bundle of a direct credential", `{"a":"k"}`, secret, guid},
		{"the bundle of an agent credential", `{"credentialSource":"agent","secret-path":"p","a":"k"}`, secret, "p"},
		{"the only lookup", `{"credentialSource":"agent","a":"k"}`, secret, "k"},
		{"one lookup of several", `{"credentialSource":"agent","a":"k","b":"l","c":"m","d":"literal"}`, secret, "l"},
		{"the lookup of a literal", `{"credentialSource":"agent","a":"k","b":"l","c":"literal"}`, secret, "literal"},
		{"a lookup in extra", `{"credentialSource":"agent","a":"k","extra":{"b":"l"}}`, secret, "l"},
	}
}

// fail returns stores that hold all that the credential needs, with a hook before the failing
// call.
func (f failing) fail(t *testing.T, hook resolvertest.Hook) *resolvertest.Stores {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, f.config)
	stores.Secrets.PutAll(secrets{
		guid: {"b": "v"}, "p": {"k": "v"}, "k": {"k": "v"}, "l": {"l": "v"}, "m": {"m": "v"},
	})
	if f.secret == "" {
		stores.Configs.Before(guid, hook)
	} else {
		stores.Secrets.Before(f.secret, hook)
	}
	return stores
}

// Section 4, step 8.
func TestAnyStoreErrorFailsTheWholeResolution(t *testing.T) {
	plain := errors.New("connection refused")
	for _, failure := range []struct {
		name string
		err  error
		want credential.Kind
	}{
		{"denied", &credential.StoreError{Kind: credential.Denied, Err: plain}, credential.Denied},
		{"unavailable", &credential.StoreError{Kind: credential.Unavailable, Err: plain}, credential.Unavailable},
		{"out of time", &credential.StoreError{Kind: credential.Timeout, Err: plain}, credential.Timeout},
		{"a fault", &credential.StoreError{Kind: credential.Internal, Err: plain}, credential.Internal},
		{"without an error of its own", &credential.StoreError{Kind: credential.Denied}, credential.Denied},
		{"wrapped", fmt.Errorf("get: %w", &credential.StoreError{Kind: credential.Denied, Err: plain}), credential.Denied},
		{"a bare kind", credential.Denied, credential.Denied},
		{"not classified", plain, credential.Unavailable},
		{"not classified, out of time", fmt.Errorf("get: %w", context.DeadlineExceeded), credential.Timeout},
		{"a kind that stores may not return: InvalidRequest", &credential.StoreError{Kind: credential.InvalidRequest, Err: plain}, credential.Internal},
		{"a value that cannot be used", &credential.StoreError{Kind: credential.FailedPrecondition, Err: plain}, credential.FailedPrecondition},
		{"a kind that stores may not return: TooLarge", &credential.StoreError{Kind: credential.TooLarge, Err: plain}, credential.Internal},
	} {
		for _, place := range failingPlaces() {
			t.Run(failure.name+", "+place.name, func(t *testing.T) {
				stores := place.fail(t, resolvertest.Fail(failure.err))
				got := failed(t, stores.Resolver())
				assert.Equal(t, failure.want, got.Kind)
				assert.Equal(t, place.store, got.Store)
				assert.Equal(t, credential.Reference(place.secret), got.Reference)
				assert.ErrorIs(t, got, failure.err, "the cause is kept for the log")
			})
		}
	}
}

func TestOnlyAMissingSecretIsNoFailure(t *testing.T) {
	for _, err := range []error{
		Missing(),
		fmt.Errorf("get: %w", Missing()),
		&credential.StoreError{Kind: credential.NotFound, Err: errors.New("gone")},
	} {
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, `{"credentialSource":"agent","a":"k","b":"l"}`)
		stores.Secrets.Put("k", map[string]string{"k": "v"})
		stores.Secrets.Before("l", resolvertest.Fail(err))
		assert.Equal(t, `{"credentialSource":"agent","a":"v","b":"l"}`, answer(t, stores.Resolver()))
	}
	stores := resolvertest.New(t)
	stores.Configs.Before(guid, resolvertest.Fail(fmt.Errorf("get: %w", Missing())))
	assert.Equal(t, credential.NotFound, failed(t, stores.Resolver()).Kind)
}

func TestResolverRemembersNoFailure(t *testing.T) {
	for _, place := range failingPlaces() {
		t.Run(place.name, func(t *testing.T) {
			stores := place.fail(t, resolvertest.Fail(errors.New("connection refused")))
			r := stores.Resolver()
			assert.Equal(t, credential.Unavailable, failed(t, r).Kind)
			stores.Configs.Before(guid, nil)
			stores.Secrets.Before(place.secret, nil)
			answer(t, r)
		})
	}
}
