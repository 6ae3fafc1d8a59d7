package component_test

import (
	"context"
	encodingjson "encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
)

// theirs holds the secret stores of a daprd by name.
type theirs map[string]*component.SecretStore

func (s theirs) Use(_ context.Context, name string, fn func(*component.SecretStore) error) error {
	store, ok := s[name]
	if !ok {
		return status.Error(codes.FailedPrecondition, "no such Component")
	}
	return fn(store)
}

// binding returns a save binding that saves into a store.
func binding(t *testing.T, store secretstores.SecretStore) *component.SaveBinding {
	t.Helper()
	b := component.NewSaveBinding(theirs{"credentials": store.(*component.SecretStore)})
	require.NoError(t, initBinding(t, b, map[string]string{"store": "credentials", "direction": "output", "route": "/x"}))
	return b
}

func initBinding(t *testing.T, b *component.SaveBinding, properties map[string]string) error {
	t.Helper()
	return b.Init(t.Context(), bindings.Metadata{Base: metadata.Base{Name: "save", Properties: properties}})
}

// save saves a config and returns its GUID.
func save(b *component.SaveBinding, data string, metadata ...string) (string, error) {
	req := &bindings.InvokeRequest{Operation: "create", Data: []byte(data), Metadata: map[string]string{}}
	for i := 0; i+1 < len(metadata); i += 2 {
		req.Metadata[metadata[i]] = metadata[i+1]
	}
	resp, err := b.Invoke(context.Background(), req)
	if err != nil {
		return "", err
	}
	var answer map[string]string
	if err := encodingjson.Unmarshal(resp.Data, &answer); err != nil {
		return "", err
	}
	return answer["guid"], nil
}

func local(t *testing.T) (*fileStores, secretstores.SecretStore) {
	t.Helper()
	w := newFileStores(t)
	w.secrets(`{"db-password": {"value": "hunter2"}}`)
	return w, w.open(map[string]string{"environment": "local"})
}

func TestACredentialThatIsSavedCanBeAskedFor(t *testing.T) {
	w, store := local(t)
	b := binding(t, store)
	const text = `{"credentialSource": "agent", "zone": 1, "account": 12345678901234567890, "password": "db-password"}`
	asString, err := encodingjson.Marshal(text)
	require.NoError(t, err)

	marked, err := encodingjson.Marshal("\ufeff" + text)
	require.NoError(t, err)
	for name, data := range map[string]string{
		"as it is": text, "as a string": string(asString), "as a string with a byte order mark": string(marked),
	} {
		t.Run(name, func(t *testing.T) {
			guid, err := save(b, " "+data+"\n", "traceparent", "00-1-2-3", "content-type", "application/grpc")
			require.NoError(t, err)
			require.NoError(t, uuid.Validate(guid))

			stored, err := os.ReadFile(w.configs + "/" + guid + ".json")
			require.NoError(t, err)
			assert.Equal(t, text, string(stored))
			answer, err := get(store, guid, "format", "json")
			require.NoError(t, err)
			assert.Equal(t, `{"credentialSource":"agent","zone":1,"account":12345678901234567890,"password":"hunter2"}`, answer["_value"])
		})
	}
}

func TestObserversSeeEachSave(t *testing.T) {
	w, r := observed(t)
	w.secrets(`{}`)
	b := binding(t, w.open(map[string]string{"environment": "local"}))
	guid, err := save(b, `{"a": 1}`)
	require.NoError(t, err)
	_, err = save(b, "null")
	require.Error(t, err)
	events := r.take(component.Saved)
	require.Len(t, events, 2)
	assert.Equal(t, guid, events[0].GUID)
	assert.Equal(t, codes.OK, events[0].Code())
	assert.Positive(t, events[0].Took)
	assert.Empty(t, events[1].GUID)
	assert.Equal(t, codes.InvalidArgument, events[1].Code())
}

// A store that hangs ends by our timeout, and one that panics fails only its own request.
func TestSavingInAFaultyStoreFails(t *testing.T) {
	for name, tc := range map[string]struct {
		put  func(context.Context) error
		code codes.Code
	}{
		"hangs": {func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Hour):
				return nil
			}
		}, codes.DeadlineExceeded},
		"panics": {func(context.Context) error { panic(canary.Secret) }, codes.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logtext.Text{}
				made := component.New(component.Options{Logger: log.Logger(t.Name()), Open: openFakes(fakeConfigs{put: tc.put})})
				defer made.Close()
				store := made.NewSecretStore()
				defer func() { require.NoError(t, store.Close()) }()
				require.NoError(t, store.Init(t.Context(), secretstores.Metadata{Base: metadata.Base{
					Properties: map[string]string{"environment": "local"},
				}}))
				b := binding(t, store)
				var err error
				require.NotPanics(t, func() { _, err = save(b, `{"a": 1}`) })
				assert.Equal(t, tc.code, status.Code(err), "%v", err)
				canary.AssertNone(t, fmt.Sprint(err)+log.String())
			})
		})
	}
}

func TestInvalidConfigsAreNotSaved(t *testing.T) {
	w, store := local(t)
	b := binding(t, store)
	tests := map[string]struct {
		data     string
		metadata []string
		code     codes.Code
		text     string
	}{
		"nothing":                        {"", nil, codes.InvalidArgument, "data is missing"},
		"null":                           {"null", nil, codes.InvalidArgument, "data is missing"},
		"not JSON":                       {`{"` + canary.Secret, nil, codes.FailedPrecondition, "config is"},
		"an array":                       {`["` + canary.Secret + `"]`, nil, codes.FailedPrecondition, "config is"},
		"a string that is not UTF-8":     {"\"{\\\"a\\\":\\\"\xff" + canary.Secret + "\\\"}\"", nil, codes.FailedPrecondition, "UTF-8"},
		"a string with a lone surrogate": {`"{\"a\":\"\ud800` + canary.Secret + `\"}"`, nil, codes.FailedPrecondition, "UTF-8"},
		"a string that is not JSON":      {`"` + canary.Secret + `"`, nil, codes.FailedPrecondition, "config is"},
		"a secret-path that is a number": {
			`{"secret-path": 5, "a": "` + canary.Secret + `"}`, nil, codes.FailedPrecondition, "secret-path",
		},
		"too large":              {`{"a": "` + strings.Repeat("x", 1<<20) + `"}`, nil, codes.FailedPrecondition, "1 MiB"},
		"with a GUID of its own": {`{"a": 1}`, []string{"guid", canary.Secret}, codes.InvalidArgument, `"guid"`},
		"with a key of its own":  {`{"a": 1}`, []string{"Key", canary.Secret}, codes.InvalidArgument, `"Key"`},
		"with a TTL":             {`{"a": 1}`, []string{"ttlInSeconds", "5"}, codes.InvalidArgument, `"ttlInSeconds"`},
		"with an invalid escape": {`{"a": "\xff` + canary.Secret + `"}`, nil, codes.FailedPrecondition, "config is"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			guid, err := save(b, tc.data, tc.metadata...)
			assert.Empty(t, guid)
			assert.Equal(t, tc.code, status.Code(err))
			assert.ErrorContains(t, err, tc.text)
			canary.AssertNone(t, err.Error())
		})
	}
	entries, err := os.ReadDir(w.configs)
	require.NoError(t, err)
	assert.Empty(t, entries)
	canary.AssertNone(t, w.log.String())
	assert.Contains(t, w.counted(), "credential_resolver_requests_total{InvalidArgument}")
}

func TestOnlyCreateIsAnOperation(t *testing.T) {
	_, store := local(t)
	b := binding(t, store)
	assert.Equal(t, []bindings.OperationKind{"create"}, b.Operations())
	_, err := b.Invoke(t.Context(), &bindings.InvokeRequest{Operation: "delete", Data: []byte(`{}`)})
	assert.Equal(t, codes.InvalidArgument, status.Code(err))
}

func TestNothingIsSavedOutsideLocal(t *testing.T) {
	w := newFileStores(t)
	w.secrets(`{}`)
	_, err := save(binding(t, w.open(nil)), `{"a": 1}`)
	assert.Equal(t, codes.PermissionDenied, status.Code(err))
	assert.ErrorContains(t, err, "environment")
}

func TestSavingWhenTheStoreIsGone(t *testing.T) {
	w, store := local(t)
	b := binding(t, store)
	require.NoError(t, os.RemoveAll(w.configs))
	require.NoError(t, os.WriteFile(w.configs, nil, 0o600))
	_, err := save(b, `{"a": 1}`)
	assert.Equal(t, codes.Unavailable, status.Code(err))
	canary.AssertNone(t, err.Error())
}

func TestTheMetadataOfTheBinding(t *testing.T) {
	tests := map[string]struct {
		properties map[string]string
		want       string
	}{
		"no store":       {nil, "metadata store is missing"},
		"an empty store": {map[string]string{"store": ""}, "metadata store is missing"},
		"a misspelling":  {map[string]string{"stor": "credentials"}, `did you mean "store"?`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			err := initBinding(t, component.NewSaveBinding(theirs{}), tc.properties)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestAStoreThatDaprdDoesNotHave(t *testing.T) {
	b := component.NewSaveBinding(theirs{})
	require.NoError(t, initBinding(t, b, map[string]string{"store": "credentials"}))
	_, err := save(b, `{"a": 1}`)
	assert.Equal(t, codes.FailedPrecondition, status.Code(err))
}
