package resolver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// guid is the credential of every test that needs only one.
const guid = "cred-abc-123"

// secrets holds the entries of each secret by the secret's name.
type secrets = map[string]map[string]string

// resolution is one row of a table of resolutions.
type resolution struct {
	name    string
	config  string
	secrets secrets
	// asked are the secrets that must be read, in any order; nil: not compared.
	asked []string
	// want is the finished credential as JSON, with order and digits.
	want string
	// kind is the kind of the failure if want is "".
	kind credential.Kind
	// reason is a part of the failure's text.
	reason string
}

// testResolutions resolves each row with a new resolver.
func testResolutions(t *testing.T, rows []resolution) {
	t.Helper()
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.PutAll(row.secrets)
			if row.want != "" {
				assert.Equal(t, row.want, answer(t, stores.Resolver()))
			} else {
				failure := failed(t, stores.Resolver())
				assert.Equal(t, row.kind, failure.Kind)
				assert.Contains(t, failure.Error(), row.reason)
			}
			if row.asked != nil {
				assert.ElementsMatch(t, row.asked, stores.Secrets.Asked())
			}
		})
	}
}

// answer resolves guid, which must succeed, and returns the credential as JSON.
func answer(t *testing.T, r *resolver.Resolver) string {
	t.Helper()
	finished, err := r.Resolve(t.Context(), guid)
	require.NoError(t, err)
	assert.Equal(t, guid, finished.GUID)
	return resolvertest.JSON(t, finished.Fields)
}

// failed resolves guid, which must fail with an *Error that names the credential and without a
// partial answer.
func failed(t *testing.T, r *resolver.Resolver) *credential.Error {
	t.Helper()
	return failedIn(t, t.Context(), r)
}

// failedWithin is like failed, with a deadline for the resolution.
func failedWithin(t *testing.T, limit time.Duration, r *resolver.Resolver) *credential.Error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return failedIn(t, ctx, r)
}

func failedIn(t *testing.T, ctx context.Context, r *resolver.Resolver) *credential.Error {
	t.Helper()
	finished, err := r.Resolve(ctx, guid)
	require.Error(t, err)
	assert.Nil(t, finished, "got a partial credential")
	var failure *credential.Error
	require.True(t, errors.As(err, &failure), "want an *Error, got %T", err)
	assert.Equal(t, guid, failure.GUID)
	assert.ErrorIs(t, err, failure.Kind)
	return failure
}

// Missing returns the error of a store for a name that does not exist.
func Missing() error { return &credential.StoreError{Kind: credential.NotFound} }
