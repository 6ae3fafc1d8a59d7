package backend_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
)

func TestUnknownStoreTypeIsRefusedWithTheNearestAndAllOfThem(t *testing.T) {
	tests := map[string]struct{ given, nearest string }{
		"a missing letter":         {"state.sqlit", "state.sqlite"},
		"an extra letter":          {"bindings.localstorages", "bindings.localstorage"},
		"a missing hyphen":         {"state.inmemory", "state.in-memory"},
		"without the block's name": {"localstorage", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := refusedConfigs(t, test.given, nil)
			require.Contains(t, text, `configStore: unknown store type "`+test.given+`"`)
			for _, known := range backend.ConfigStoreTypes() {
				require.Contains(t, text, known)
			}
			if test.nearest != "" {
				require.Contains(t, text, `(did you mean "`+test.nearest+`"?)`)
			}
		})
	}
	text := refusedSecrets(t, "secretstores.local.files", nil)
	require.Contains(t, text, `(did you mean "secretstores.local.file"?)`)
	for _, known := range backend.SecretStoreTypes() {
		require.Contains(t, text, known)
	}
}

func TestStoreTypeThatIsFarFromAnyHasNoSuggestion(t *testing.T) {
	require.NotContains(t, refusedConfigs(t, "mongodb", nil), "did you mean")
	require.NotContains(t, refusedConfigs(t, "", nil), "did you mean")
}

func TestConfigStoreIsNoSecretStore(t *testing.T) {
	require.Contains(t, refusedConfigs(t, "secretstores.local.file", nil), "unknown store type")
	require.Contains(t, refusedSecrets(t, "state.sqlite", nil), "unknown store type")
}

func TestStoreTypeIsTakenInAnyCase(t *testing.T) {
	openConfigs(t, "State.SQLite", fields{"connectionString": filepath.Join(t.TempDir(), "a.db")})
	openSecrets(t, "SECRETSTORES.LOCAL.ENV", fields{"prefix": "S_"})
}

func TestUnknownFieldIsRefusedWithTheNearestAndAllOfThem(t *testing.T) {
	text := refusedConfigs(t, "state.sqlite", fields{"tablename": "t", "conectionString": canary})
	require.Contains(t, text, "configStore.conectionString is not a metadata field of state.sqlite")
	require.Contains(t, text, `(did you mean "connectionString"?)`)
	for _, field := range []string{"tableName", "metadataTableName", "timeout", "busyTimeout", "disableWAL", "cleanupInterval"} {
		require.Contains(t, text, field)
	}
	require.NotContains(t, text, canary, "a value may be a password")

	text = refusedConfigs(t, "bindings.localstorage", fields{"rootPath": "/tmp", "path": "x"})
	require.Contains(t, text, `configStore.path`)
	require.Contains(t, text, `its fields: rootPath`)

	text = refusedSecrets(t, "secretstores.local.file", fields{"secretFile": "x"})
	require.Contains(t, text, `(did you mean "secretsFile"?)`)

	text = refusedSecrets(t, "secretstores.hashicorp.vault", fields{"vaultAdr": canary})
	require.Contains(t, text, `(did you mean "vaultAddr"?)`)
	require.NotContains(t, text, canary)

	require.Contains(t, refusedConfigs(t, "state.in-memory", fields{"size": "1"}),
		"configStore.size: state.in-memory has no metadata")
}

func TestFieldsThatDaprdActsOnAreRefusedWithTheRemedy(t *testing.T) {
	tests := map[string]string{
		"keyPrefix":              `configKey, as in "myapp||{guid}"`,
		"KEYPREFIX":              "configKey",
		"primaryEncryptionKey":   "not readable outside daprd",
		"secondaryEncryptionKey": "not readable outside daprd",
		"actorStateStore":        "remove it",
	}
	for field, remedy := range tests {
		for _, storeType := range []string{"state.sqlite", "state.in-memory"} {
			t.Run(storeType+" "+field, func(t *testing.T) {
				text := refusedConfigs(t, storeType, fields{field: canary})
				require.Contains(t, text, "configStore."+field+" cannot be set: ")
				require.Contains(t, text, remedy)
				require.NotContains(t, text, canary)
			})
		}
		got, ok := store.RuntimeField(strings.ToUpper(field))
		require.True(t, ok)
		require.Contains(t, got, remedy)
	}
	_, ok := store.RuntimeField("connectionString")
	require.False(t, ok)
}

func TestStoreErrorsHoldNoMetadataValues(t *testing.T) {
	tests := map[string]fields{
		"the value that is wrong":      {"connectionString": "file:x.db?mode=memory", "tableName": "bad;" + canary},
		"two values, one in the other": {"connectionString": "file:x.db?mode=memory", "tableName": "bad;" + canary, "metadataTableName": canary},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			text := refusedConfigs(t, "state.sqlite", f)
			require.Contains(t, text, "[redacted]")
			require.NotContains(t, text, "canary")
		})
	}
}
