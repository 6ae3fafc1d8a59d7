package backend_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// attempts is an observer that records the calls to a store.
type attempts []string

var _ store.Observer = (*attempts)(nil)

func (a *attempts) StoreCalled(_ context.Context, attempt store.Attempt) {
	outcome := "ok"
	if attempt.Err != nil {
		outcome = credential.KindOf(attempt.Err).Error()
	}
	*a = append(*a, attempt.Store+": "+outcome)
}

func TestEachAttemptAtAStoreIsReported(t *testing.T) {
	var seen attempts
	opts := silent(t)
	opts.Observer = &seen
	configs := openConfigsWith(t, configSpec("state.in-memory", fields{}), store.GUIDPlaceholder, opts)
	require.NoError(t, configs.Put(t.Context(), guid, []byte(`{}`)))
	_, err := configs.Config(t.Context(), guid)
	require.NoError(t, err)
	_, err = configs.Config(t.Context(), "none")
	require.Error(t, err)
	assert.Equal(t, attempts{"configStore: ok", "configStore: ok", "configStore: not found"}, seen)
}
