package backend_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
	"credential-resolver/resolver/credential"
)

// What runs before an attempt is told of which store, can be its outcome, and has no
// more time than the store.
func TestSomethingMayRunBeforeEachAttemptAtAStore(t *testing.T) {
	var stores []string
	outcome := func(context.Context) error { return nil }
	opts := silent(t)
	opts.Before = func(ctx context.Context, store string) error {
		stores = append(stores, store)
		return outcome(ctx)
	}
	configs := openConfigsWith(t, configSpec("state.in-memory", fields{}), backend.GUIDPlaceholder, opts)
	require.NoError(t, configs.Put(t.Context(), guid, []byte(`{}`)))
	text, err := configs.Config(t.Context(), guid)
	require.NoError(t, err)
	assert.Equal(t, `{}`, string(text))
	assert.Equal(t, []string{"configStore", "configStore"}, stores)

	outcome = func(context.Context) error { return &credential.StoreError{Kind: credential.Denied} }
	_, err = configs.Config(t.Context(), guid)
	assert.ErrorIs(t, err, credential.Denied)

	opts.Limits.Timeout = time.Millisecond
	hanging := openConfigsWith(t, configSpec("state.in-memory", fields{}), backend.GUIDPlaceholder, opts)
	outcome = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	_, err = hanging.Config(t.Context(), guid)
	assert.ErrorIs(t, err, credential.Timeout)
}
