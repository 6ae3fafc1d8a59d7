package backend

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// revalidator is a store whose config of each key has an ETag. It counts the configs that it sends.
type revalidator struct {
	data, etag string
	failure    error
	asked      string // the ETag of the last request
	sent       int
}

func (r *revalidator) GetUnlessMatch(_ context.Context, _, etag string) ([]byte, string, error) {
	r.asked = etag
	switch {
	case r.failure != nil:
		return nil, "", r.failure
	case etag != "" && etag == r.etag:
		return nil, etag, store.ErrUnchanged
	}
	r.sent++
	return []byte(r.data), r.etag, nil
}

func (k *keptConfigs) requireText(t *testing.T, from store.Revalidator, key, want string) {
	t.Helper()
	got, err := k.get(t.Context(), from, key)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

func TestConfigIsSentAgainOnlyIfItHasChanged(t *testing.T) {
	from, kept := &revalidator{data: "first", etag: "1"}, newKeptConfigs()
	for range 3 {
		kept.requireText(t, from, "k", "first")
	}
	require.Equal(t, 1, from.sent)
	kept.requireText(t, from, "other", "first")
	require.Equal(t, 2, from.sent, "each key has its own ETag")
	from.data, from.etag = "second", "2"
	kept.requireText(t, from, "k", "second")
	kept.requireText(t, from, "k", "second")
	require.Equal(t, 3, from.sent)
}

func TestConfigWithoutAnETagIsNotKept(t *testing.T) {
	from, kept := &revalidator{data: "text"}, newKeptConfigs()
	kept.requireText(t, from, "k", "text")
	kept.requireText(t, from, "k", "text")
	require.Equal(t, 2, from.sent)
	require.Zero(t, kept.size)
}

func TestKeptConfigIsForgottenIfItIsGoneOrRefused(t *testing.T) {
	for kind, keeps := range map[credential.Kind]bool{
		credential.NotFound: false, credential.Denied: false, credential.Unavailable: true, credential.Timeout: true,
	} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			from, kept := &revalidator{data: "text", etag: "1"}, newKeptConfigs()
			kept.requireText(t, from, "k", "text")
			from.failure = &credential.StoreError{Kind: kind, Err: store.ErrEdited}
			_, err := kept.get(t.Context(), from, "k")
			require.Equal(t, from.failure, err)
			require.Equal(t, keeps, kept.size > 0)
			require.Equal(t, keeps, kept.byKey.Len() > 0)
		})
	}
}

func TestKeptConfigsAreBounded(t *testing.T) {
	kept := newKeptConfigs()
	large := &revalidator{data: strings.Repeat("x", credential.MaxConfigSize), etag: "1"}
	for i := range 20 {
		_, err := kept.get(t.Context(), large, fmt.Sprint(i))
		require.NoError(t, err)
		require.LessOrEqual(t, kept.size, maxKept)
	}
	require.Equal(t, 7, kept.byKey.Len())
	small := &revalidator{data: "{}", etag: "1"}
	for i := range 2 * maxKept / keptOverhead {
		_, err := kept.get(t.Context(), small, fmt.Sprint(i))
		require.NoError(t, err)
	}
	require.LessOrEqual(t, kept.size, maxKept)
	require.Greater(t, kept.byKey.Len(), maxKept/keptOverhead/2)
	size := 0
	for _, c := range kept.byKey.Values() {
		size += c.size
	}
	require.Equal(t, size, kept.size)
	kept.requireText(t, &revalidator{data: strings.Repeat("x", maxKept), etag: "1"}, "huge", strings.Repeat("x", maxKept))
	require.False(t, kept.byKey.Contains("huge"))
}
