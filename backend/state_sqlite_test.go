package backend_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireMode requires the permission bits of a file. They must not depend on the umask.
func requireMode(t *testing.T, want fs.FileMode, path string) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, want, info.Mode().Perm(), "%s", path)
}

// storeOne stores a config, so that the database creates all of its files.
func storeOne(t *testing.T, f fields) {
	t.Helper()
	store := openConfigs(t, "state.sqlite", f)
	require.NoError(t, store.Put(within(t), guid, []byte("{}")))
}

func TestSQLiteDefaultsToAPrivateFile(t *testing.T) {
	data := filepath.Join(t.TempDir(), "share")
	home := t.TempDir()
	tests := map[string]struct {
		dataHome, home string
		fields         fields
		want           string
	}{
		"under XDG_DATA_HOME": {data, home, nil, data},
		"under HOME without XDG_DATA_HOME": {
			"", home, nil, filepath.Join(home, ".local", "share"),
		},
		"under HOME where XDG_DATA_HOME is relative and so ignored": {
			"share", home + "/2", nil, filepath.Join(home, "2", ".local", "share"),
		},
		"where the connection string is empty": {
			data + "/3", home, fields{"connectionString": ""}, data + "/3",
		},
		"where the connection string is empty under another case": {
			data + "/4", home, fields{"ConnectionString": ""}, data + "/4",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", test.dataHome)
			t.Setenv("HOME", test.home)
			t.Chdir(t.TempDir())
			storeOne(t, test.fields)
			folder := filepath.Join(test.want, "credential-resolver")
			requireMode(t, 0o700, folder)
			requireMode(t, 0o600, filepath.Join(folder, "credentials.db"))
			requireMode(t, 0o600, filepath.Join(folder, "credentials.db-wal"))
			requireMode(t, 0o600, filepath.Join(folder, "credentials.db-shm"))
		})
	}
}

func TestSQLiteNeedsAFileWithoutAHome(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "")
	text := refusedConfigs(t, "state.sqlite", nil)
	require.Contains(t, text, "$HOME")
	require.Contains(t, text, "set connectionString")

	openConfigs(t, "state.sqlite", fields{"connectionString": filepath.Join(t.TempDir(), "a.db")})
}

func TestSQLiteFileIsPrivateWhereverItIs(t *testing.T) {
	tests := map[string]func(path string) string{
		"as a path":              func(path string) string { return path },
		"as a URI":               func(path string) string { return "file:" + path },
		"as a URI with slashes":  func(path string) string { return "file://" + path },
		"as a URI with a query":  func(path string) string { return "file:" + path + "?mode=rwc" },
		"as a path with a query": func(path string) string { return path + "?_txlock=immediate" },
	}
	for name, connectionString := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			storeOne(t, fields{"connectionString": connectionString(path)})
			requireMode(t, 0o600, path)
		})
	}
}

func TestSQLiteTakesARelativePathFromTheProcess(t *testing.T) {
	t.Chdir(t.TempDir())
	storeOne(t, fields{"connectionString": "a.db"})
	requireMode(t, 0o600, "a.db")
}

func TestSQLiteLeavesTheModeOfAFileThatIsThere(t *testing.T) {
	path := tempFile(t, "a.db", "") // an empty file is an empty database
	require.NoError(t, os.Chmod(path, 0o640))
	storeOne(t, fields{"connectionString": path})
	requireMode(t, 0o640, path)
}

func TestSQLiteMakesNoFolderButTheDefaultsOwn(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "mistyped")
	openConfigs(t, "state.sqlite", fields{"connectionString": filepath.Join(missing, "a.db")})
	require.NoDirExists(t, missing)
}

func TestSQLiteKeepsConfigsForTheNextProcess(t *testing.T) {
	f := fields{"connectionString": filepath.Join(t.TempDir(), "a.db")}
	first := openConfigs(t, "state.sqlite", f)
	require.NoError(t, first.Put(within(t), guid, []byte(`{"a":1}`)))
	require.NoError(t, first.Close())

	got, err := openConfigs(t, "state.sqlite3", f).Config(within(t), guid)
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(got))
}

func TestSQLiteTablesAreApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	storeOne(t, fields{"connectionString": path})
	other := openConfigs(t, "state.sqlite", fields{
		"connectionString": path, "tableName": "others", "metadataTableName": "others_meta",
	})
	_, err := other.Config(within(t), guid)
	require.Error(t, err)
}
