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

// secrets are what a store holds: entries by the name of a secret.
type secrets = map[string]map[string]string

// resolution is one row of a table of resolutions: a config and a store's
// secrets, and what becomes of them.
type resolution struct {
	name    string
	config  string
	secrets secrets
	// asked are the secrets that are asked for, in any order; nil: not compared.
	asked []string
	// want is the finished credential as JSON, its order and digits included.
	want string
	// kind is how the resolution fails, where want is "".
	kind credential.Kind
	// reason is a part of the failure's words.
	reason string
}

// testResolutions resolves each row, each with a resolver of its own.
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

// answer resolves guid, which must work, and returns the credential's JSON.
func answer(t *testing.T, r *resolver.Resolver) string {
	t.Helper()
	finished, err := r.Resolve(t.Context(), guid)
	require.NoError(t, err)
	assert.Equal(t, guid, finished.GUID)
	return resolvertest.JSON(t, finished.Fields)
}

// failed resolves guid, which must fail: with an error of the package's own that
// names the finished, and without any part of an answer.
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
	assert.Nil(t, finished, "a partial credential")
	var failure *credential.Error
	require.True(t, errors.As(err, &failure), "not an *Error: %T", err)
	assert.Equal(t, guid, failure.GUID)
	assert.ErrorIs(t, err, failure.Kind)
	return failure
}

// missing is a store's answer for what it does not have.
func Missing() error { return &credential.StoreError{Kind: credential.NotFound} }
