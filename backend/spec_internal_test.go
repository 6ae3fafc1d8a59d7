package backend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/metadata"
)

// requireFieldsInAnyCase looks a spec up with each field that a store declares,
// as daprd would take it. What the value may be is prepare's affair.
func requireFieldsInAnyCase[C any](t *testing.T, types map[string]storeType[C]) {
	t.Helper()
	for name, storeType := range types {
		storeType.prepare = nil
		types[name] = storeType
		for field := range storeType.fields {
			for _, spelling := range []string{field, lowerFirst(field), strings.ToLower(field), strings.ToUpper(field)} {
				t.Run(name+" takes "+spelling, func(t *testing.T) {
					spec := Spec{Label: "store", Type: name, Fields: map[string]string{spelling: "value"}}
					require.NoError(t, checkFields(spec, storeType.fields))
				})
			}
		}
	}
}

func TestFieldsThatStoresDeclareAreTakenInAnyCase(t *testing.T) {
	require.Contains(t, configStores()["state.sqlite"].fields, "connectionString", "contrib tells its fields")
	requireFieldsInAnyCase(t, configStores())
	requireFieldsInAnyCase(t, secretStores(false))
}

func TestAliasesThatAStoreDeclaresAreTaken(t *testing.T) {
	declared := metadata.MetadataMap{"name": {Aliases: []string{"otherName"}}}
	for _, field := range []string{"name", "otherName", "OTHERNAME"} {
		require.NoError(t, checkFields(Spec{Fields: map[string]string{field: "v"}}, declared))
	}
}

func TestFieldsOfASpecAreLeftAsTheyAre(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	spec := Spec{Label: "configStore", Type: "state.sqlite", Fields: map[string]string{"connectionString": ""}}
	_, completed, err := lookup(spec, configStores())
	require.NoError(t, err)
	require.NotEmpty(t, completed["connectionString"])
	require.Equal(t, map[string]string{"connectionString": ""}, spec.Fields)
}

func TestStoreThatDeclaresNothingIsAFaultOfOurs(t *testing.T) {
	require.Panics(t, func() { declaredFields(struct{}{}) })
}

func TestScrubTakesMetadataValuesOut(t *testing.T) {
	tests := map[string]struct {
		text   string
		fields map[string]string
		want   string
	}{
		"one value": {
			"dial tcp: password hunter22 refused",
			map[string]string{"password": "hunter22"},
			"dial tcp: password [redacted] refused",
		},
		"a value that stands twice": {
			"hunter22, I said hunter22",
			map[string]string{"password": "hunter22"},
			"[redacted], I said [redacted]",
		},
		"the longer of two values first": {
			"at host:6379/hunter22",
			map[string]string{"redisHost": "host:6379/hunter22", "redisPassword": "hunter22"},
			"at [redacted]",
		},
		"no value so short that words would be torn": {
			"table t is at state",
			map[string]string{"tableName": "t", "x": "at", "y": ""},
			"table t is at state",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := scrub(errors.New(test.text), test.fields)
			require.EqualError(t, err, test.want)
			require.NoError(t, errors.Unwrap(err), "what it wraps would hold the value still")
		})
	}
}

func TestWordsThatAreSafeAnywhereHoldNoPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "canary")
	_, missing := os.Open(path)
	tests := map[string]struct {
		err  error
		want string
	}{
		"the system's words":             {missing, "no such file or directory"},
		"the system's words, wrapped":    {fmt.Errorf("opening %s: %w", path, syscall.ECONNREFUSED), "connection refused"},
		"a time limit":                   {fmt.Errorf("dial %s: %w", path, context.DeadlineExceeded), "timed out"},
		"a time limit of the connection": {fmt.Errorf("dial %s: %w", path, os.ErrDeadlineExceeded), "timed out"},
		"words of ours":                  {unavailable(errVaultKV1), string(errVaultKV1)},
		"words of ours, as final":        {permanent(errNoDatabase), "the file is not an SQLite database"},
		"words of ours, and the system's": {
			explained("the token's file cannot be read", missing), "the token's file cannot be read: no such file or directory",
		},
		"a store's own words":           {errors.New("no database at " + path), "see the log at debug level"},
		"a store's own words, as final": {permanent(errors.New(path)), "see the log at debug level"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := safeWords(test.err)
			require.Equal(t, test.want, got)
			require.NotContains(t, got, "canary")
		})
	}
}

// A command shows the paths of a Component to the person who wrote them, and no field that
// may hold a password, whatever the case of its name.
func TestCommandShowsPathsAlone(t *testing.T) {
	const path = "/srv/configs/canary"
	tests := map[string]struct {
		hidden func(onCommand bool) map[string]string
		want   string
	}{
		"state.sqlite":          {hiddenOf(stateSQLite(), "ConnectionString", path), path},
		"bindings.localstorage": {hiddenOf(bindingsLocalStorage(), "rootPath", path), path},
		"local.file":            {hiddenOf(secretsLocalFile(), "secretsfile", path), path},
		"a token's file":        {hiddenOf(secretsHashiCorpVault(), "vaultTokenMountPath", path), path},
		"a token":               {hiddenOf(secretsHashiCorpVault(), "vaultToken", path), "[redacted]"},
		"a connection string":   {hiddenOf(statePostgreSQL(), "connectionString", path), "[redacted]"},
		"a password":            {hiddenOf(stateRedis(), "redisPassword", path), "[redacted]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			failure := &os.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
			require.EqualError(t, scrub(failure, test.hidden(true)), "open "+test.want+": no such file or directory")
			require.EqualError(t, scrub(failure, test.hidden(false)), "open [redacted]: no such file or directory")
		})
	}
}

func hiddenOf[C any](store storeType[C], name, value string) func(bool) map[string]string {
	return func(onCommand bool) map[string]string {
		return store.hidden(map[string]string{name: value}, onCommand)
	}
}
