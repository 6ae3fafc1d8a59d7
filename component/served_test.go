package component_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component"
	"credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
)

// serve serves the component until the test ends. It returns daprd's client, initialised with
// the properties.
func (w *fileStores) serve(properties map[string]string) secretstores.SecretStore {
	w.t.Helper()
	client := w.connect()
	require.NoError(w.t, client.Init(w.t.Context(), secretstores.Metadata{
		Base: metadata.Base{Name: "credentials", Properties: properties},
	}))
	return client
}

// connect serves the component until the test ends. It returns daprd's client, not yet
// initialised.
func (w *fileStores) connect() secretstores.SecretStore {
	w.t.Helper()
	folder := pluggabletest.SocketFolder(w.t)
	server, err := pluggable.New(pluggable.Options{
		Name: "credential-resolver", Logger: w.log.Logger(w.t.Name()),
		SocketFolder: folder, StateFolder: w.t.TempDir(), StateOnDisk: true,
	}, w.factory, nil)
	require.NoError(w.t, err)
	running := pluggabletest.Start(server, filepath.Join(folder, "credential-resolver.sock"))
	w.t.Cleanup(func() { assert.NoError(w.t, running.Stop()) })
	require.NoError(w.t, running.AwaitSocket())
	return pluggabletest.NewClient(w.t, filepath.Join(folder, "credential-resolver.sock"))
}

func TestDaprdGetsCredentialsAndTheCodesOfFailures(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","port":5432,"password":"db-password"}`)
	w.secrets(`{"db-password":{"value":"hunter2"}}`)
	client := w.serve(w.properties(nil))

	data, err := get(client, "c")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"credentialSource": "agent", "port": "5432", "password": "hunter2"}, data)

	_, err = get(client, "none")
	assert.EqualError(t, err, `rpc error: code = NotFound desc = credential "none": no such credential`)
	_, err = client.BulkGetSecret(t.Context(), secretstores.BulkGetSecretRequest{})
	assert.Equal(t, codes.PermissionDenied, status.Code(err))
}

// Our size limit must match the limit of daprd's client.
func TestTheLargestAnswerGetsThrough(t *testing.T) {
	const mebi = 1 << 20
	text := strings.Repeat("x", mebi)
	whole := component.Size(map[string]string{"a": text, "b": text, "c": text, "d": text})
	most := mebi - (whole - component.MaxAnswer) // the largest size of d
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","secret-path":"s","a":"large","b":"large","c":"large","d":"rest"}`)
	client := w.serve(w.properties(map[string]string{"requestTimeout": "1m", "storeTimeout": "1m"}))

	for length, want := range map[int]codes.Code{most: codes.OK, most + 1: codes.ResourceExhausted} {
		w.secrets(`{"s":{"large":"` + text + `","rest":"` + text[:length] + `"}}`)
		data, err := get(client, "c", "fields", "a,b,c,d")
		require.Equal(t, want, status.Code(err), "%v", err)
		if want == codes.OK {
			assert.Len(t, data["d"], most)
		} else {
			assert.ErrorContains(t, err, "metadata.fields", "the error must be ours")
		}
	}
}

// ready is a component that needs no Init.
type ready struct{ secretstores.SecretStore }

func (ready) Init(context.Context, secretstores.Metadata) error { return nil }
func (ready) Close() error                                      { return nil }

// Our size limit for bulk answers must match the limit of daprd's client.
func TestTheLargestBulkAnswerGetsThrough(t *testing.T) {
	const mebi = 1 << 20
	text := strings.Repeat("x", mebi)
	s := newFakeStores(t)
	s.factory = func() secretstores.SecretStore { return ready{s.store()} }
	client := s.serve(nil)
	size := 0
	for _, guid := range []string{"a", "b", "c", "d"} {
		s.put(guid, text)
		size += component.BulkEntrySize(guid, map[string]string{"password": text})
	}
	most := mebi - (size - component.MaxAnswer) // the largest size of d
	for length, want := range map[int]codes.Code{most: codes.OK, most + 1: codes.ResourceExhausted} {
		s.put("d", text[:length])
		data, err := bulk(client, "fields", "password")
		require.Equal(t, want, status.Code(err), "%v", err)
		if want == codes.OK {
			require.Len(t, data, 4)
			assert.Len(t, data["d"]["password"], most)
		} else {
			assert.ErrorContains(t, err, "desc = credential: the answer is larger than the runtime's limit of 4 MiB")
			assert.ErrorContains(t, err, "ask for single credentials", "the remedy")
		}
	}
}
