package backend

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/backend/vault"
)

// requireFieldsInAnyCase looks up a spec with each declared field in several spellings. It
// skips Prepare, which checks the values.
func requireFieldsInAnyCase[C any](t *testing.T, types map[string]store.Type[C]) {
	t.Helper()
	for name, storeType := range types {
		storeType.Prepare, storeType.Required = nil, nil
		types[name] = storeType
		for field := range storeType.Fields {
			for _, spelling := range []string{field, strings.ToLower(field[:1]) + field[1:], strings.ToLower(field), strings.ToUpper(field)} {
				t.Run(name+" takes "+spelling, func(t *testing.T) {
					spec := store.Spec{Label: "store", Type: name, Fields: map[string]string{spelling: "value"}}
					_, _, err := store.Lookup(spec, types)
					require.NoError(t, err)
				})
			}
		}
	}
}

func TestFieldsThatStoresDeclareAreTakenInAnyCase(t *testing.T) {
	require.Contains(t, configStores()["state.sqlite"].Fields, "connectionString", "contrib declares its fields")
	requireFieldsInAnyCase(t, configStores())
	requireFieldsInAnyCase(t, secretStores(false))
}

func TestFieldsOfASpecAreLeftAsTheyAre(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	spec := store.Spec{Label: "configStore", Type: "state.sqlite", Fields: map[string]string{"connectionString": ""}}
	_, completed, err := store.Lookup(spec, configStores())
	require.NoError(t, err)
	require.NotEmpty(t, completed["connectionString"])
	require.Equal(t, map[string]string{"connectionString": ""}, spec.Fields)
}

// A command may show paths to the person who wrote the Component. It must not show a field that
// may hold a password, in any case of its name.
func TestCommandErrorsShowOnlyPaths(t *testing.T) {
	const path = "/srv/configs/canary"
	failure := &os.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
	tests := map[string]struct {
		failing func(failFast bool) error
		want    string
	}{
		"state.sqlite":          {failsToConnect(t, stateSQLite(), "ConnectionString", path, failure), path},
		"bindings.localstorage": {failsToConnect(t, bindingsLocalStorage(), "rootPath", path, failure), path},
		"local.file":            {failsToConnect(t, secretsLocalFile(), "secretsfile", path, failure), path},
		"a token's file":        {failsToConnect(t, vault.Type(), "vaultTokenMountPath", path, failure), path},
		"a token":               {failsToConnect(t, vault.Type(), "vaultToken", path, failure), "[redacted]"},
		"a connection string":   {failsToConnect(t, statePostgreSQL(), "connectionString", path, failure), "[redacted]"},
		"a password":            {failsToConnect(t, stateRedis(), "redisPassword", path, failure), "[redacted]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, test.failing(true), "store (made): open "+test.want+": no such file or directory")
			require.EqualError(t, test.failing(false), "store (made): open [redacted]: no such file or directory")
		})
	}
}

// failsToConnect returns a function that opens a store with one field. The store fails to
// connect.
func failsToConnect[C interface{ Close() error }](
	t *testing.T, of store.Type[C], name, value string, failure error,
) func(failFast bool) error {
	t.Helper()
	of.Prepare, of.Required = nil, nil
	of.Connect = func(context.Context, map[string]string, logger.Logger) (C, error) {
		var none C
		return none, store.Permanent(failure)
	}
	return func(failFast bool) error {
		_, _, _, err := store.Open(t.Context(), store.Spec{Label: "store", Type: "made", Fields: map[string]string{name: value}},
			map[string]store.Type[C]{"made": of}, store.Options{Logger: storetest.DevNull(t), FailFast: failFast})
		return err
	}
}
