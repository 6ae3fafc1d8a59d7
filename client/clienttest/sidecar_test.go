package clienttest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/client"
	"credential-resolver/client/clienttest"
)

func password(t testing.TB, sidecar *clienttest.Sidecar, guid string) string {
	t.Helper()
	credential, err := sidecar.Client().GetCredentials(t.Context(), guid)
	require.NoError(t, err)
	text, err := credential.Text("password")
	require.NoError(t, err)
	return text
}

const agent = `{"credentialSource":"agent","host":"db","password":"db-password"}`

func TestWhatIsPutIsAnswered(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t)
	sidecar.Configs.Put("a", agent)
	sidecar.Secrets.Put("db-password", map[string]string{"value": "first"})
	assert.Equal(t, "first", password(t, sidecar, "a"))

	for i := range 20 { // repeat: fast changes must be seen too
		sidecar.Secrets.Put("db-password", map[string]string{"value": fmt.Sprint("rotated-", i%10)})
		assert.Equal(t, fmt.Sprint("rotated-", i%10), password(t, sidecar, "a"))
	}
	sidecar.Configs.Put("a", `{"password":"plain"}`)
	assert.Equal(t, "plain", password(t, sidecar, "a"))

	sidecar.Configs.Delete("a")
	sidecar.Configs.Delete("a")
	_, err := sidecar.Client().GetCredentials(t.Context(), "a")
	assert.ErrorIs(t, err, client.ErrNotFound)

	sidecar.Secrets.Delete("db-password")
	_, err = sidecar.Client().GetSecret(t.Context(), "db-password", "")
	assert.ErrorIs(t, err, client.ErrNotFound)
	assert.Contains(t, sidecar.Log(), "no such credential")
	assert.Panics(t, func() { sidecar.Configs.Put("../a", "{}") })
	assert.NoError(t, sidecar.Close(), "a test may close its sidecar early")
}

// breakable is a store that a test can make fail.
type breakable interface {
	Break(fault clienttest.Fault)
	Mend()
}

func TestStoresFailAsTheyAreToldTo(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t)
	sidecar.Configs.Put("a", agent)
	sidecar.Secrets.Put("db-password", map[string]string{"value": "first"})
	for name, store := range map[string]breakable{"config store": sidecar.Configs, "secret store": sidecar.Secrets} {
		for fault, want := range map[clienttest.Fault]error{
			clienttest.Down: client.ErrUnavailable, clienttest.Refusing: client.ErrDenied, clienttest.TooSlow: client.ErrTimeout,
		} {
			store.Break(fault)
			_, err := sidecar.Client().GetCredentials(t.Context(), "a")
			require.ErrorIs(t, err, want)
			assert.ErrorContains(t, err, name)
		}
		store.Mend()
		assert.Equal(t, "first", password(t, sidecar, "a"))
	}
	sidecar.Secrets.Break(clienttest.Down)
	_, err := sidecar.Client().GetSecret(t.Context(), "db-password", "")
	assert.ErrorIs(t, err, client.ErrInternal, "daprd does not pass on the kind of another store's failure")
}

func TestAStoreThatTakesLongerThanItsTime(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t, func(o *clienttest.Options) {
		o.Metadata = map[string]string{"storeTimeout": "20ms", "requestTimeout": "1h"}
	})
	sidecar.Configs.Put("a", agent)
	sidecar.Configs.Delay(time.Hour)
	_, err := sidecar.Client().GetCredentials(t.Context(), "a")
	assert.ErrorIs(t, err, client.ErrTimeout)
	assert.NotErrorIs(t, err, context.DeadlineExceeded, "the store's time limit, not the caller's deadline, has passed")
}

func TestACancelledCallEnds(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t)
	sidecar.Configs.Put("a", agent)
	sidecar.Configs.Delay(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sidecar.Client().GetCredentials(ctx, "a")
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, client.ErrResolution)
	assert.False(t, client.Retryable(err))

	local := clienttest.New(t, clienttest.Local)
	local.Configs.Delay(time.Hour)
	config, err := client.Parse([]byte(`{}`))
	require.NoError(t, err)
	_, err = local.Client().SaveSecret(ctx, config)
	assert.ErrorIs(t, err, context.Canceled)
}

// The names of the Components come from the application's options and environment.
func TestComponentsHaveTheNamesOfTheOptions(t *testing.T) {
	t.Setenv("SECRET_STORE_NAME", "vault")
	sidecar := clienttest.New(t, func(o *clienttest.Options) { o.Client.CredentialStore = "creds" })
	sidecar.Configs.Put("a", `{"host":"db"}`)
	sidecar.Secrets.Put("s", map[string]string{"k": "v"})
	for _, store := range []string{"creds", "vault"} {
		_, err := sidecar.GetSecret(t.Context(), store, map[string]string{"creds": "a", "vault": "s"}[store], nil)
		require.NoError(t, err)
	}
	_, err := sidecar.GetSecret(t.Context(), "credentials", "a", nil)
	assert.EqualError(t, err,
		"error invoking service: rpc error: code = InvalidArgument desc = failed finding secret store with key credentials")
}

func TestABindingIsAnsweredAsByDaprd(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t, clienttest.Local)
	for _, test := range []struct{ name, operation, words string }{
		{"nowhere", "create", "couldn't find output binding nowhere"},
		{"credentials-save", "delete", "binding credentials-save does not support operation delete. supported operations:create"},
	} {
		_, err := sidecar.InvokeBinding(t.Context(), &dapr.InvokeBindingRequest{Name: test.name, Operation: test.operation})
		assert.EqualError(t, err, "error invoking binding "+test.name+"/"+test.operation+
			": rpc error: code = Internal desc = error invoking output binding "+test.name+": "+test.words)
	}
}

func TestWrongMetadataFailsTheStart(t *testing.T) {
	folder, err := os.MkdirTemp("", "t") // t.TempDir may be too long for a socket
	require.NoError(t, err)
	defer func() { _ = os.RemoveAll(folder) }()
	t.Setenv("TMPDIR", folder)
	_, err = clienttest.Start(clienttest.Options{Metadata: map[string]string{"configKy": "x"}})
	require.ErrorContains(t, err, `(did you mean "configKey"?)`)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// Each test of a binary may have its own sidecar, and goroutines of one test may share one.
func TestSidecarsAreApartAndShared(t *testing.T) {
	for n := range 4 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			sidecar := clienttest.New(t)
			sidecar.Configs.Put("a", agent)
			sidecar.Secrets.Put("db-password", map[string]string{"value": fmt.Sprint(n)})
			var calls sync.WaitGroup
			for range 8 {
				calls.Go(func() {
					for range 10 {
						credential, err := sidecar.Client().GetCredentials(t.Context(), "a")
						if !assert.NoError(t, err) {
							return
						}
						got, err := credential.Text("password")
						assert.NoError(t, err)
						assert.Equal(t, fmt.Sprint(n), got)
					}
				})
			}
			for range 10 {
				sidecar.Configs.Put("b", agent)
				sidecar.Secrets.Put("other", map[string]string{"value": "x"})
			}
			calls.Wait()
		})
	}
}

func TestABreakableStoreIsWhatItWasAfterMend(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t, func(o *clienttest.Options) {
		o.Metadata = map[string]string{"storeTimeout": "5s"} // more than enough for a file
	})
	sidecar.Configs.Put("a", agent)
	sidecar.Secrets.Put("db-password", map[string]string{"value": "first"})
	for _, store := range []interface {
		breakable
		Delay(d time.Duration)
	}{sidecar.Configs, sidecar.Secrets} {
		store.Delay(time.Hour)
		store.Break(clienttest.Down)
		store.Mend()
		assert.Equal(t, "first", password(t, sidecar, "a"))
	}
}

func TestEveryCallToABrokenStoreFails(t *testing.T) {
	t.Parallel()
	second := `"credential-resolver":{"secretStore":"second"}`
	sidecar := clienttest.New(t, clienttest.Local, func(o *clienttest.Options) {
		file := filepath.Join(t.TempDir(), "second.json")
		require.NoError(t, os.WriteFile(file, []byte(`{"pw":{"value":"v"}}`), 0o600))
		o.Metadata = map[string]string{
			"secretStores.second": "secretstores.local.file", "secretStores.second.secretsFile": file,
			"secretStores.second.multiValued": "true",
		}
	})
	sidecar.Configs.Put("a", `{"credentialSource":"agent","password":"pw",`+second+`}`)
	assert.Equal(t, "v", password(t, sidecar, "a"))
	sidecar.Secrets.Break(clienttest.Refusing)
	_, err := sidecar.Client().GetCredentials(t.Context(), "a")
	require.ErrorIs(t, err, client.ErrDenied, "a further secret store")
	sidecar.Configs.Break(clienttest.Down)
	_, err = sidecar.Client().SaveSecret(t.Context(), client.Credential{})
	require.ErrorIs(t, err, client.ErrUnavailable)
}

func TestAStoreIsTheSameForEachCall(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t)
	entries := map[string]string{"k": "v"}
	sidecar.Store("mine").Put("s", entries)
	entries["k"] = "changed by the test"
	sidecar.Store("mine").Put("t", map[string]string{"k": "w"})
	sidecar.Store("other").Put("s", map[string]string{"k": "x"})
	for _, row := range []struct{ store, key, want string }{{"mine", "s", "v"}, {"mine", "t", "w"}, {"other", "s", "x"}} {
		data, err := sidecar.GetSecret(t.Context(), row.store, row.key, nil)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"k": row.want}, data)
	}
}

// As daprd does it, whatever the store says.
func TestACallerWhoHasLeftIsTold(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t, clienttest.Local)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := sidecar.GetSecret(ctx, "credentials", "a", nil)
	require.EqualError(t, err, "error invoking service: rpc error: code = Canceled desc = context canceled")
	_, err = sidecar.InvokeBinding(ctx, &dapr.InvokeBindingRequest{Name: "credentials-save", Operation: "create"})
	require.EqualError(t, err, "error invoking binding credentials-save/create: rpc error: code = Canceled desc = context canceled")
}

func TestASidecarLeavesNoFiles(t *testing.T) {
	folder, err := os.MkdirTemp("", "t") // t.TempDir may be too long for a socket
	require.NoError(t, err)
	defer func() { _ = os.RemoveAll(folder) }()
	t.Setenv("TMPDIR", folder)
	sidecar, err := clienttest.Start(clienttest.Options{})
	require.NoError(t, err)
	require.NoError(t, sidecar.Close())
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}
