package component_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/internal/canary"
)

func TestAStoreThatComesUpLaterIsUsedThen(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","password":"db-password"}`)
	store := w.open(map[string]string{"requestTimeout": "50ms"})
	_, err := get(store, "c")
	require.Equal(t, codes.Unavailable, status.Code(err))
	assert.Contains(t, w.log.String(), "is not connected yet: no such file or directory")
	canary.AssertNone(t, w.log.String())

	w.secrets(`{"db-password":{"value":"hunter2"}}`)

	require.Eventually(t, func() bool {
		data, err := get(store, "c")
		return err == nil && data["password"] == "hunter2"
	}, patience, tick)
}

func TestARequestWaitsForAStoreThatIsStillConnecting(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","password":"db-password"}`)
	store := w.open(map[string]string{"requestTimeout": patience.String()})
	answer := make(chan map[string]string, 1)
	go func() {
		data, _ := get(store, "c")
		answer <- data
	}()

	w.secrets(`{"db-password":{"value":"hunter2"}}`)

	assert.Equal(t, "hunter2", (<-answer)["password"])
}

func TestASecretThatChangesIsAnsweredAsItIsNow(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","secret-path":"b","password":"pw"}`)
	w.secrets(`{"b":{"pw":"old"}}`)
	store := w.open(nil)
	for _, want := range []string{"old", "new"} {
		w.secrets(`{"b":{"pw":"` + want + `"}}`)
		data, err := get(store, "c")
		require.NoError(t, err)
		assert.Equal(t, want, data["password"])
	}
	require.NoError(t, os.Remove(w.file))
	_, err := get(store, "c")
	assert.Equal(t, codes.Unavailable, status.Code(err))
}

func TestAComponentThatIsClosedTwiceIsClosed(t *testing.T) {
	w := newFileStores(t)
	w.secrets(`{}`)
	store := w.open(nil)
	require.NoError(t, store.Close())
	require.NoError(t, store.Close())
}

// A store that has not connected must be abandoned when the component is closed. goleak checks
// that.
func TestAComponentThatIsStillConnectingCanBeClosed(t *testing.T) {
	require.NoError(t, newFileStores(t).open(nil).Close())
}

func TestInitEndsWithItsContextAndTheStoresGoOnConnecting(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"password":"p"}`)
	w.secrets(`{}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := w.factory()
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	meta := secretstores.Metadata{}
	meta.Properties = w.properties(nil)

	require.NoError(t, store.Init(ctx, meta), "no permanent error is known")

	data, err := get(store, "c")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"password": "p"}, data)
}

// A secret of an earlier instance must not become a literal when it disappears. An edited
// Component, or one that was idle, is a new instance on the same store.
func TestKnownSecretsOutliveAnInstance(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","user":"someone","password":"db-password"}`)
	w.secrets(`{"db-password": {"value": "hunter2"}, "someone": {"value": "x"}}`)
	data, err := get(w.open(nil), "c")
	require.NoError(t, err)
	require.Equal(t, "hunter2", data["password"])

	edited := w.open(map[string]string{"requestTimeout": "9s"})
	w.secrets(`{"someone": {"value": "x"}}`)
	_, err = get(edited, "c")
	assert.Equal(t, codes.NotFound, status.Code(err))

	other := filepath.Join(t.TempDir(), "other.json")
	w.write(other, `{"someone": {"value": "x"}}`)
	data, err = get(w.open(map[string]string{"secretStore.secretsFile": other}), "c")
	require.NoError(t, err, "nothing is known of another store")
	assert.Equal(t, "db-password", data["password"])
}

// The last good answer for a dependent component must also outlive an instance, if the metadata
// stay the same.
func TestTheLastGoodCredentialOutlivesAnInstance(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","password":"db-password"}`)
	w.secrets(`{"db-password": {"value": "hunter2"}}`)
	_, err := get(w.open(map[string]string{"requestTimeout": "300ms"}), "c", "namespace", "default")
	require.NoError(t, err)
	require.NoError(t, os.Remove(w.file))

	data, err := get(w.open(map[string]string{"requestTimeout": "300ms"}), "c", "namespace", "default")
	require.NoError(t, err)
	assert.Equal(t, "hunter2", data["password"])
	_, err = get(w.open(map[string]string{"requestTimeout": "301ms"}), "c", "namespace", "default")
	assert.Equal(t, codes.Unavailable, status.Code(err), "other metadata may mean another credential")
}
