package backend_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSQLiteTakesContribsAliases(t *testing.T) {
	for _, alias := range []string{"timeoutInSeconds", "cleanupIntervalInSeconds", "TIMEOUTINSECONDS"} {
		t.Run(alias, func(t *testing.T) {
			openConfigs(t, "state.sqlite", fields{"connectionString": filepath.Join(t.TempDir(), "a.db"), alias: "5"})
		})
	}
	for _, alias := range []string{"url", "URL"} {
		t.Run(alias, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			storeOne(t, fields{alias: path})
			requireMode(t, 0o600, path)
		})
	}
}

func TestSQLiteFileNameWinsOverAnEmptyOne(t *testing.T) {
	for name, test := range map[string]struct{ named, empty string }{
		"by the alias":              {"url", "connectionString"},
		"by the alias, in any case": {"URL", "ConnectionString"},
		"beside the alias":          {"connectionString", "url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", t.TempDir())
			path := filepath.Join(t.TempDir(), "a.db")
			storeOne(t, fields{test.named: path, test.empty: ""})
			requireMode(t, 0o600, path)
			require.NoDirExists(t, filepath.Join(os.Getenv("XDG_DATA_HOME"), "credential-resolver"))
		})
	}
}

func TestSQLiteFileIsPrivateWhereItsURIIsEncoded(t *testing.T) {
	for name, encoded := range map[string]string{"with a space": "a%20b.db", "with a host": "a.db"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			uri := "file:" + folder + "/" + encoded
			if name == "with a host" {
				uri = "file://localhost" + folder + "/" + encoded
			}
			storeOne(t, fields{"connectionString": uri})
			files, err := os.ReadDir(folder)
			require.NoError(t, err)
			for _, file := range files {
				requireMode(t, 0o600, filepath.Join(folder, file.Name()))
				require.NotContains(t, file.Name(), "%")
			}
		})
	}
}

// SQLite knows ":memory:" only in lower case. This is a file of that name.
func TestSQLiteFileCalledMemoryInCapitalsIsAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	store := openConfigs(t, "state.sqlite", fields{"connectionString": ":MEMORY:"})
	require.NoError(t, store.Put(within(t), guid, []byte("{}")))
	if _, err := os.Stat(":MEMORY:"); err == nil {
		require.False(t, store.Ephemeral())
		requireMode(t, 0o600, ":MEMORY:")
	}
}
