package backend_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
	"credential-resolver/resolver/credential"
)

// everyConfigStore returns metadata for each type of config store. Each opens an empty store.
func everyConfigStore(t *testing.T) map[string]fields {
	t.Helper()
	return map[string]fields{
		"state.sqlite":          {"connectionString": filepath.Join(t.TempDir(), "a.db")},
		"state.sqlite3":         {"connectionString": filepath.Join(t.TempDir(), "b.db")},
		"state.in-memory":       nil,
		"bindings.localstorage": {"rootPath": t.TempDir()},
	}
}

// onServers lists the types that need a server, with and without a version. test/e2e tests them
// on real servers.
var onServers = []string{
	"bindings.aws.s3", "bindings.azure.blobstorage", "bindings.gcp.bucket",
	"state.aws.dynamodb", "state.azure.blobstorage", "state.azure.cosmosdb", "state.azure.tablestorage", "state.gcp.firestore",
	"state.cockroachdb", "state.etcd", "state.mongodb", "state.mysql", "state.postgres", "state.postgresql", "state.redis",
	"state.yugabyte", "state.yugabytedb",
}

func TestTheseTestsCoverEveryConfigStore(t *testing.T) {
	embedded := slices.DeleteFunc(backend.ConfigStoreTypes(), func(storeType string) bool {
		name, _, _ := strings.Cut(storeType, "/")
		return slices.Contains(onServers, name)
	})
	require.Equal(t, slices.Sorted(maps.Keys(everyConfigStore(t))), embedded)
}

// configs are texts that a person may have written. A store must keep every byte.
var configs = map[string]string{
	"a compact object":               `{"host":"db","port":5432}`,
	"an object with white space":     "\n\t{ \"host\" : \"db\" ,\r\n \"port\":5432.00 }\n\n",
	"the empty object":               "{}",
	"nothing":                        "",
	"digits that a float would lose": `{"a":12345678901234567890,"b":1e21,"c":12.50}`,
	"a duplicate name":               `{"a":1,"a":2}`,
	"escapes of several sorts":       `{"a":"\u00e9\/\n<>&","é":"\ud83d\ude00"}`,
	"characters of several bytes":    `{"clé":"süß 😀"}`,
	"text that is not JSON":          "a\x00b\xff\n",
	"nothing at all":                 "",
}

func TestConfigStoreKeepsTheVeryBytes(t *testing.T) {
	for storeType, f := range everyConfigStore(t) {
		store := openConfigs(t, storeType, f)
		for name, config := range configs {
			t.Run(storeType+" keeps "+name, func(t *testing.T) {
				require.NoError(t, store.Put(within(t), guid, []byte(config)))
				got, err := store.Config(within(t), guid)
				require.NoError(t, err)
				require.Equal(t, config, string(got))
			})
		}
	}
}

func TestConfigStoreKeepsTheLargestConfig(t *testing.T) {
	config := slices.Repeat([]byte(" "), credential.MaxConfigSize)
	copy(config, "{")
	config[len(config)-1] = '}'
	for storeType, f := range everyConfigStore(t) {
		t.Run(storeType, func(t *testing.T) {
			store := openConfigs(t, storeType, f)
			require.NoError(t, store.Put(within(t), guid, config))
			got, err := store.Config(within(t), guid)
			require.NoError(t, err)
			require.True(t, slices.Equal(config, got)) // require.Equal would print a megabyte
		})
	}
}

func TestConfigThatIsNotThereIsNotFound(t *testing.T) {
	for storeType, f := range everyConfigStore(t) {
		t.Run(storeType, func(t *testing.T) {
			store := openConfigs(t, storeType, f)
			_, err := store.Config(within(t), guid)
			requireKind(t, credential.NotFound, err)

			require.NoError(t, store.Put(within(t), guid, []byte("{}")))
			_, err = store.Config(within(t), guid+"x")
			requireKind(t, credential.NotFound, err)
			_, err = store.Config(within(t), guid[:5])
			requireKind(t, credential.NotFound, err)
		})
	}
}

func TestConfigsOfTwoGUIDsAreApart(t *testing.T) {
	for storeType, f := range everyConfigStore(t) {
		t.Run(storeType, func(t *testing.T) {
			store := openConfigs(t, storeType, f)
			for _, g := range []string{"a", "A", "a-b", "a_b"} {
				require.NoError(t, store.Put(within(t), g, []byte(`{"g":"`+g+`"}`)))
			}
			for _, g := range []string{"a", "A", "a-b", "a_b"} {
				got, err := store.Config(within(t), g)
				require.NoError(t, err)
				require.Equal(t, `{"g":"`+g+`"}`, string(got))
			}
		})
	}
}

func TestConfigKeyIsATemplate(t *testing.T) {
	keys := map[string]string{
		"a prefix as daprd writes it": "myapp||{guid}",
		"folders":                     "persistent-artifacts/apps/myapp/credentials/{guid}/config.json",
		"the GUID twice":              "{guid}/{guid}.json",
		"odd characters":              "a b%20#'\"{guid}",
	}
	for storeType, f := range everyConfigStore(t) {
		for name, key := range keys {
			t.Run(storeType+" takes "+name, func(t *testing.T) {
				store := openConfigsWith(t, configSpec(storeType, f), key, silent(t))
				_, err := store.Config(within(t), guid)
				requireKind(t, credential.NotFound, err)
				require.NoError(t, store.Put(within(t), guid, []byte(`{"a":1}`)))
				got, err := store.Config(within(t), guid)
				require.NoError(t, err)
				require.Equal(t, `{"a":1}`, string(got))
			})
		}
	}
}

func TestVolatileConfigStoresSaySo(t *testing.T) {
	t.Chdir(t.TempDir())
	file := filepath.Join(t.TempDir(), "c.db")
	tests := map[string]struct {
		storeType string
		fields    fields
		want      bool
	}{
		"in memory":                     {"state.in-memory", nil, true},
		"SQLite in memory":              {"state.sqlite", fields{"connectionString": ":memory:"}, true},
		"SQLite in memory, as a URI":    {"state.sqlite", fields{"connectionString": "file::memory:"}, true},
		"SQLite in memory, by its mode": {"state.sqlite", fields{"connectionString": "file:x?mode=memory&cache=shared"}, true},
		"SQLite, of no name":            {"state.sqlite", fields{"connectionString": "file:?cache=shared"}, true},
		"SQLite in a file":              {"state.sqlite", fields{"connectionString": file}, false},
		"SQLite in a file, as a URI":    {"state.sqlite", fields{"connectionString": "file:" + file + "?mode=rwc"}, false},
		"files":                         {"bindings.localstorage", fields{"rootPath": t.TempDir()}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			store := openConfigs(t, test.storeType, test.fields)
			require.Equal(t, test.want, store.Ephemeral())
			require.NoError(t, store.Put(within(t), guid, []byte("{}")))
			got, err := store.Config(within(t), guid)
			require.NoError(t, err)
			require.Equal(t, "{}", string(got))
		})
	}
}
