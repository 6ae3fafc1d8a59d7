package backend_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// attempts is an observer that records the calls to a store.
type attempts []string

var _ store.Observer = (*attempts)(nil)

func (a *attempts) StoreCalled(_ context.Context, label string, _ time.Duration, err error) {
	outcome := "ok"
	if err != nil {
		outcome = credential.KindOf(err).Error()
	}
	*a = append(*a, label+": "+outcome)
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
