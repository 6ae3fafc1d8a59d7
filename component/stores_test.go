package component_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/logtext"
)

// fakeConfigs is a config store of which a test uses little.
type fakeConfigs struct {
	component.Configs

	put   func(context.Context) error
	close func() error // nil: it succeeds
}

func (c fakeConfigs) Put(ctx context.Context, _ string, _ []byte) error { return c.put(ctx) }
func (c fakeConfigs) Ephemeral() bool                                   { return false }
func (c fakeConfigs) Close() error {
	if c.close == nil {
		return nil
	}
	return c.close()
}

// fakeSecrets is a secret store that can only be closed.
type fakeSecrets struct {
	component.Secrets

	close func() error
}

func (s fakeSecrets) Close() error { return s.close() }

// openFakes opens a config store alone.
func openFakes(configs component.Configs) component.Opener {
	return func(context.Context, component.Settings, store.Observer) (*component.Stores, error) {
		return &component.Stores{Configs: configs}, nil
	}
}

func TestClosingTheStoresClosesEachOfThem(t *testing.T) {
	closed := map[string]int{}
	failing := errors.New("not closed")
	one := func(name string) func() error {
		return func() error {
			closed[name]++
			return fmt.Errorf("%s: %w", name, failing)
		}
	}
	err := (&component.Stores{
		Configs: fakeConfigs{close: one("configs")}, Secrets: fakeSecrets{close: one("secrets")},
		Named: map[string]component.Secrets{"a": fakeSecrets{close: one("a")}, "b": fakeSecrets{close: one("b")}},
	}).Close()
	require.ErrorIs(t, err, failing)
	assert.Equal(t, map[string]int{"configs": 1, "secrets": 1, "a": 1, "b": 1}, closed)
	for name := range closed {
		assert.ErrorContains(t, err, name+": not closed")
	}
}

// An instance on a store in memory has a cache of its own. The bubble cannot end while a
// goroutine of it is left.
func TestACacheThatIsNoOthersEndsWithItsInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := (&logtext.Text{}).Logger(t.Name())
		made := component.New(component.Options{Logger: log, Open: component.Backends(store.Options{Logger: log})})
		store := made.NewSecretStore()
		require.NoError(t, store.Init(t.Context(), secretstores.Metadata{Base: metadata.Base{
			Name: "credentials", Properties: map[string]string{"configStore": "state.in-memory", "environment": "local"},
		}}))
		guid, err := save(binding(t, store), `{"a": 1}`)
		require.NoError(t, err)
		_, err = get(store, guid)
		require.NoError(t, err)
		require.NoError(t, store.Close())
		made.Close()
	})
}

// Two instances have the observers of the process in common, and no other.
func TestAnInstanceLogsWithAKeyOfItsOwn(t *testing.T) {
	w := newFileStores(t)
	w.observe(append(make([]component.Observer, 0, 8), &recorder{})...)
	w.config("c", `{"credentialSource":"agent","secret-path":"none"}`)
	w.secrets(`{}`)
	hash := func(store secretstores.SecretStore) string {
		_, err := get(store, "c")
		require.Equal(t, codes.NotFound, status.Code(err))
		found := reference.FindAllStringSubmatch(w.log.String(), -1)
		return found[len(found)-1][1]
	}
	one := w.open(nil)
	before := hash(one)
	other := w.open(nil)
	assert.NotEqual(t, before, hash(other))
	assert.Equal(t, before, hash(one))
}

func TestMaxSecretsBoundsACredential(t *testing.T) {
	w := newFileStores(t)
	w.secrets(`{"a": {"value": "1"}, "b": {"value": "2"}}`)
	w.config("c", `{"credentialSource":"agent","one":"a","two":"b"}`)
	for most, want := range map[string]codes.Code{"1": codes.FailedPrecondition, "2": codes.OK} {
		_, err := get(w.open(map[string]string{"maxSecrets": most}), "c")
		assert.Equal(t, want, status.Code(err), "%v", err)
	}
}

func TestASecretOfTwoCredentialsIsReadOnce(t *testing.T) {
	w, r := observed(t)
	w.secrets(`{"pw": {"value": "hunter2"}}`)
	w.config("one", `{"credentialSource":"agent","password":"pw"}`)
	w.config("two", `{"credentialSource":"agent","password":"pw"}`)
	for ttl, want := range map[string]int{"0s": 2, "1m": 1} {
		store := w.open(map[string]string{"cacheTTL": ttl})
		for _, guid := range []string{"one", "two"} {
			_, err := get(store, guid)
			require.NoError(t, err)
		}
		asked := 0
		for _, e := range r.take(component.StoreCalled) {
			if e.Store == "secretStore" {
				asked++
			}
		}
		assert.Equal(t, want, asked, "with cacheTTL %s", ttl)
	}
}

// A store of this machine has no retries: this is a Kubernetes that is ill.
func TestTheLimitsOfTheMetadataAreThoseOfTheStores(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/namespaces/team") {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprint(rw, `{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"team"}}`)
			return
		}
		rw.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(`{"apiVersion":"v1","kind":"Config","current-context":"c",
		"clusters":[{"name":"c","cluster":{"server":"`+server.URL+`"}}],"users":[{"name":"u","user":{}}],
		"contexts":[{"name":"c","context":{"cluster":"c","user":"u","namespace":"team"}}]}`), 0o600))
	for retries, want := range map[string]int{"0": 1, "1": 2} {
		w, r := observed(t)
		w.config("c", `{"credentialSource":"agent","secret-path":"b"}`)
		store := w.open(map[string]string{
			"secretStore": "secretstores.kubernetes", "secretStore.kubeconfigPath": kubeconfig,
			"secretStore.secretsFile": "", "secretStore.multiValued": "", "storeRetries": retries,
		})
		_, err := get(store, "c")
		require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
		asked := 0
		for _, e := range r.take(component.StoreCalled) {
			if e.Store == "secretStore" {
				asked++
			}
		}
		assert.Equal(t, want, asked, "with storeRetries %s", retries)
	}
}
