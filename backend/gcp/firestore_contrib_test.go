package gcp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	contrib "github.com/dapr/components-contrib/state/gcp/firestore"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/backend/storetest"
)

// TestContribReadsWhatWeStoreAndTheReverse runs contrib's store, with Google's own client, on the same
// database.
func TestContribReadsWhatWeStoreAndTheReverse(t *testing.T) {
	_, ours := newDatabase(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", "") // contrib sets it
	theirs := contrib.NewFirestoreStateStore(storetest.DevNull(t))
	require.NoError(t, theirs.Init(t.Context(), state.Metadata{Base: metadata.Base{Properties: map[string]string{
		"project_id": gcptest.Project, "endpoint": ours.Target(), "noIndex": "true",
	}}}))
	t.Cleanup(func() { require.NoError(t, theirs.Close()) })

	require.NoError(t, theirs.Set(t.Context(), &state.SetRequest{Key: "myapp||theirs", Value: []byte(`{"a":1.50}`)}))
	got, err := ours.Get(t.Context(), "myapp||theirs")
	require.NoError(t, err)
	require.Equal(t, `{"a":1.50}`, string(got))
	p, err := ours.List(t.Context(), "myapp||{guid}", "")
	require.NoError(t, err)
	require.Equal(t, []string{"theirs"}, p.GUIDs)
	require.NoError(t, ours.Replace(t.Context(), "myapp||theirs", []byte(`{"a":1.50}`), []byte(`{"a":2.50}`)))
	require.NoError(t, ours.Set(t.Context(), "myapp||ours", []byte(`{"b":12345678901234567890}`)))
	for key, want := range map[string]string{"myapp||theirs": `{"a":2.50}`, "myapp||ours": `{"b":12345678901234567890}`} {
		resp, err := theirs.Get(t.Context(), &state.GetRequest{Key: key})
		require.NoError(t, err)
		require.Equal(t, want, string(resp.Data))
	}
	require.NoError(t, theirs.Delete(t.Context(), &state.DeleteRequest{Key: "myapp||ours"}))
	_, err = ours.Get(t.Context(), "myapp||ours")
	require.Error(t, err)
}
