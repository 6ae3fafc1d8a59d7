package resolver_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestCredentialsAreListedByTheirGUIDs(t *testing.T) {
	stores := resolvertest.New(t)
	r := stores.Resolver()
	guids, err := r.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, guids)

	for _, guid := range []string{"b", "a", "C-1", "bulk", "no GUID", "../up", "", strings.Repeat("g", 129)} {
		stores.Configs.Put(guid, `{}`)
	}
	guids, err = r.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"C-1", "a", "b"}, guids, "sorted, and only valid GUIDs")
	assert.Empty(t, stores.Secrets.Asked())
}

// listing is a store that lists the given GUIDs.
type listing struct {
	resolver.ConfigStore
	guids []string
}

func (l listing) List(context.Context) ([]string, error) { return l.guids, nil }

func TestListRemovesDuplicateGUIDs(t *testing.T) {
	told := []string{"b", "a", "b"}
	guids, err := resolver.New(resolver.Options{Configs: listing{guids: told}}).List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, guids)
	assert.Equal(t, []string{"b", "a", "b"}, told, "the store's own list must not change")
}

func TestListFailureHasAKind(t *testing.T) {
	words := errors.New(canary.Words + canary.Secret)
	fail := func(kind credential.Kind) resolvertest.Hook {
		return resolvertest.Fail(&credential.StoreError{Kind: kind, Err: words})
	}
	for _, row := range []struct {
		name string
		hook resolvertest.Hook
		kind credential.Kind
		want string
	}{
		{"the store cannot list", fail(credential.FailedPrecondition), credential.FailedPrecondition, "the config store cannot list its credentials"},
		{"refused", fail(credential.Denied), credential.Denied, "the config store refused the request"},
		{"down", fail(credential.Unavailable), credential.Unavailable, "the config store is unavailable"},
		{"out of time", fail(credential.Timeout), credential.Timeout, "the config store did not answer in time"},
		{"not classified", resolvertest.Fail(words), credential.Unavailable, "the config store is unavailable"},
		{"a kind that stores may not return here", fail(credential.NotFound), credential.Internal, "internal error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, `{}`)
			stores.Configs.Before(resolvertest.Listing, row.hook)
			guids, err := stores.Resolver().List(t.Context())
			assert.Nil(t, guids)
			require.EqualError(t, err, "credential: "+row.want)
			require.ErrorIs(t, err, row.kind)
			assertRedactedError(t, err)
		})
	}
}

func TestListNeedsAStoreThatCanList(t *testing.T) {
	r := resolver.New(resolver.Options{Configs: struct{ resolver.ConfigStore }{resolvertest.New(t).Configs}})
	_, err := r.List(t.Context())
	require.ErrorIs(t, err, credential.FailedPrecondition)
	assert.EqualError(t, err, "credential: the config store cannot list its credentials")
}

func TestListEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := resolvertest.New(t)
		stores.Configs.Before(resolvertest.Listing, resolvertest.Block())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_, err := stores.Resolver().List(ctx)
		assert.ErrorIs(t, err, credential.Timeout)
		assert.Equal(t, time.Second, time.Since(begin))
	})
}

// A missing credential and a missing secret are both NotFound. NoSuchCredential tells them
// apart.
func TestNoSuchCredentialIsNotAnyNotFound(t *testing.T) {
	stores := resolvertest.New(t)
	r := stores.Resolver()
	assert.True(t, credential.NoSuchCredential(failed(t, r)))

	stores.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"p"}`)
	missing := failed(t, r)
	assert.Equal(t, credential.NotFound, missing.Kind)
	assert.False(t, credential.NoSuchCredential(missing))
	assert.False(t, credential.NoSuchCredential(credential.NotFound))
	assert.False(t, credential.NoSuchCredential(nil))
}
