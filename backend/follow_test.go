package backend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// database creates a database with a config under guid, and returns its path.
func database(t *testing.T, name, config string, more fields) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f := fields{"connectionString": path}
	for n, v := range more {
		f[n] = v
	}
	configs, err := backend.OpenConfigStore(t.Context(), configSpec("state.sqlite", f), store.GUIDPlaceholder, silent(t))
	require.NoError(t, err)
	require.NoError(t, configs.Put(within(t), guid, []byte(config)))
	require.NoError(t, configs.Close())
	return path
}

// openSQLite opens a database. written returns the log at level info.
func openSQLite(t *testing.T, path string, more fields) (configs *backend.ConfigStore, written func() string) {
	t.Helper()
	opts := silent(t)
	opts.Logger, written = openLog(t, logger.InfoLevel)
	f := fields{"connectionString": path}
	for n, v := range more {
		f[n] = v
	}
	return openConfigsWith(t, configSpec("state.sqlite", f), store.GUIDPlaceholder, opts), written
}

func requireConfig(t *testing.T, configs *backend.ConfigStore, want string) {
	t.Helper()
	got, err := configs.Config(within(t), guid)
	require.NoError(t, err, "%v", detail(err))
	require.Equal(t, want, string(got))
}

const replaced = "state.sqlite: the database file was replaced: opening the new one"

// A restore by "mv backup.db configs.db". The open connection still has pages of the old file
// in its write-ahead log, and the log of the new file has the same name.
func TestSQLiteFileThatIsReplacedIsOpened(t *testing.T) {
	for name, journal := range map[string]fields{"with a write-ahead log": nil, "without one": {"disableWAL": "true"}} {
		t.Run(name, func(t *testing.T) {
			backup := database(t, "backup.db", `{"is":"restored"}`, journal)
			path := database(t, "configs.db", `{"is":"first"}`, journal)
			configs, written := openSQLite(t, path, journal)
			for i := range 50 {
				require.NoError(t, configs.Put(within(t), fmt.Sprint("other-", i), []byte(`{"is":"`+strings.Repeat("old", 1000)+`"}`)))
			}
			require.NoError(t, configs.Put(within(t), guid, []byte(`{"is":"edited"}`)))
			requireConfig(t, configs, `{"is":"edited"}`)

			require.NoError(t, os.Rename(backup, path))
			requireConfig(t, configs, `{"is":"restored"}`)
			guids, err := configs.List(within(t))
			require.NoError(t, err)
			require.Equal(t, []string{guid}, guids)
			require.Equal(t, 1, strings.Count(written(), replaced), written())

			require.NoError(t, configs.Put(within(t), guid, []byte(`{"is":"kept"}`)))
			require.NoError(t, configs.Close())
			again, _ := openSQLite(t, path, journal)
			requireConfig(t, again, `{"is":"kept"}`)
		})
	}
}

// A restored copy may have its own write-ahead log. Without that log it is incomplete.
func TestSQLiteFileIsReplacedTogetherWithItsLog(t *testing.T) {
	from := database(t, "from.db", `{"is":"first"}`, nil)
	live, _ := openSQLite(t, from, nil)
	require.NoError(t, live.Put(within(t), guid, []byte(`{"is":"only in the log"}`)))
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(from + end)
		require.NoError(t, err)
		require.NotEmpty(t, text)
		require.NoError(t, os.WriteFile(copied+end, text, 0o600))
	}

	path := database(t, "configs.db", `{"is":"second"}`, nil)
	configs, _ := openSQLite(t, path, nil)
	require.NoError(t, configs.Put(within(t), guid, []byte(`{"is":"edited"}`)))
	require.NoError(t, os.Rename(copied+"-wal", path+"-wal"))
	require.NoError(t, os.Rename(copied, path))
	requireConfig(t, configs, `{"is":"only in the log"}`)
}

// SQLite would take the log of a database that was removed for that of the new one.
func TestSQLiteLogOfARemovedDatabaseIsRemoved(t *testing.T) {
	path := database(t, "configs.db", `{"is":"first"}`, nil)
	configs, _ := openSQLite(t, path, nil)
	require.NoError(t, configs.Put(within(t), guid, []byte(`{"is":"in the log"}`)))
	log, err := os.ReadFile(path + "-wal")
	require.NoError(t, err)
	require.NotEmpty(t, log)
	require.NoError(t, configs.Close())
	require.NoError(t, os.Remove(path))
	for _, end := range []string{"-wal", "-journal"} {
		writeFile(t, path+end, string(log))
	}

	again, _ := openSQLite(t, path, nil)
	_, err = again.Config(within(t), guid)
	requireKind(t, credential.NotFound, err)
	require.NoFileExists(t, path+"-journal")
}

func TestSQLiteFileThatIsGoneIsUnavailableAndNotMissing(t *testing.T) {
	backup := database(t, "backup.db", `{"is":"restored"}`, nil)
	path := database(t, "configs.db", `{"is":"first"}`, nil)
	configs, written := openSQLite(t, path, nil)
	requireConfig(t, configs, `{"is":"first"}`)
	require.NoError(t, os.Remove(path))
	for range 3 {
		_, err := configs.Config(within(t), guid)
		requireKind(t, credential.Unavailable, err)
		require.Contains(t, credential.RemedyOf(err), "the database file is missing")
		requireKind(t, credential.Unavailable, configs.Put(within(t), guid, []byte("{}")))
	}
	require.NoFileExists(t, path, "a new file here would race with a restore")
	require.Equal(t, 1, strings.Count(written(), "the database file is missing"), written())

	require.NoError(t, os.Rename(backup, path))
	requireConfig(t, configs, `{"is":"restored"}`)
	require.Contains(t, written(), "the database file exists again")
	require.Contains(t, written(), replaced)
}

// A "put" on the command line creates a missing file.
func TestRecreatedSQLiteFileIsOpened(t *testing.T) {
	path := database(t, "configs.db", `{"is":"first"}`, nil)
	configs, _ := openSQLite(t, path, nil)
	require.NoError(t, configs.Put(within(t), guid, []byte(`{"is":"edited"}`)))
	require.NoError(t, os.Remove(path))
	other, _ := openSQLite(t, path, nil)
	_, err := other.Config(within(t), guid)
	requireKind(t, credential.NotFound, err)
	require.NoError(t, other.Put(within(t), guid, []byte(`{"is":"new"}`)))
	requireConfig(t, configs, `{"is":"new"}`)
	require.NoError(t, other.Put(within(t), guid, []byte(`{"is":"newer"}`)))
	requireConfig(t, configs, `{"is":"newer"}`)
}

func TestSQLiteFileThatIsReplacedByNoDatabaseIsUnavailable(t *testing.T) {
	path := database(t, "configs.db", `{"is":"first"}`, nil)
	configs, _ := openSQLite(t, path, nil)
	requireConfig(t, configs, `{"is":"first"}`)
	replaceFile(t, path, strings.Repeat("no database ", 100))
	for range 2 {
		_, err := configs.Config(within(t), guid)
		requireKind(t, credential.Unavailable, err)
		require.Equal(t, "the file is not an SQLite database", credential.RemedyOf(err))
	}
	require.NoError(t, os.Rename(database(t, "backup.db", `{"is":"restored"}`, nil), path))
	requireConfig(t, configs, `{"is":"restored"}`)
}

// Calls continue while files are replaced. Each call must get the config of one of them.
func TestSQLiteFileIsReplacedUnderLoad(t *testing.T) {
	const files, readers = 10, 4
	var backups []string
	for i := range files {
		backups = append(backups, database(t, "backup.db", fmt.Sprintf(`{"is":%d}`, i), nil))
	}
	path := database(t, "configs.db", `{"is":-1}`, nil)
	configs, _ := openSQLite(t, path, nil)
	var done atomic.Bool
	var calls sync.WaitGroup
	for range readers {
		calls.Go(func() {
			for !done.Load() {
				got, err := configs.Config(t.Context(), guid)
				if err != nil && credential.KindOf(err) != credential.Unavailable || err == nil && !strings.HasPrefix(string(got), `{"is":`) {
					t.Errorf("%s: %v %v", got, err, detail(err))
					return
				}
			}
		})
	}
	for i, backup := range backups {
		require.NoError(t, os.Rename(backup, path))
		requireConfig(t, configs, fmt.Sprintf(`{"is":%d}`, i))
	}
	done.Store(true)
	calls.Wait()
}

// A deployment may switch a link: current -> releases/2. Writes follow the link too.
func TestFolderOfConfigsFollowsItsLink(t *testing.T) {
	releases := t.TempDir()
	current := filepath.Join(releases, "current")
	for _, release := range []string{"1", "2"} {
		require.NoError(t, os.Mkdir(filepath.Join(releases, release), 0o700))
		writeFile(t, filepath.Join(releases, release, guid), `{"release":`+release+`}`)
	}
	point := func(to string) {
		require.NoError(t, os.Symlink(to, current+".next"))
		require.NoError(t, os.Rename(current+".next", current))
	}
	point("1")
	opts := silent(t)
	log, written := openLog(t, logger.InfoLevel)
	opts.Logger = log
	configs := openConfigsWith(t, configSpec("bindings.localstorage", fields{"rootPath": current}), "{guid}", opts)
	requireConfig(t, configs, `{"release":1}`)

	point("2")
	requireConfig(t, configs, `{"release":2}`)
	require.Equal(t, 1, strings.Count(written(), "the folder of rootPath was replaced: opening the new one"), written())
	require.NoError(t, configs.Put(within(t), "new", []byte("{}")))
	require.FileExists(t, filepath.Join(releases, "2", "new"))
	guids, err := configs.List(within(t))
	require.NoError(t, err)
	require.Equal(t, []string{guid, "new"}, guids)

	point("3")
	_, err = configs.Config(within(t), guid)
	requireKind(t, credential.Unavailable, err)
	require.NoDirExists(t, filepath.Join(releases, "3"), "a missing release must not be created")
	require.Contains(t, written(), "the folder of rootPath is missing")
	require.NoError(t, os.RemoveAll(filepath.Join(releases, "1"))) // the next folder may get the inode of this one
	require.NoError(t, os.Mkdir(filepath.Join(releases, "3"), 0o700))
	writeFile(t, filepath.Join(releases, "3", guid), `{"release":3}`)
	requireConfig(t, configs, `{"release":3}`)
}

// Kubernetes swaps a mounted folder through the link "..data" and then removes the old folder.
// Both folders have the config, so no read may report it as missing.
func TestConfigIsNeverMissingWhileAFolderIsSwapped(t *testing.T) {
	const swaps, readers = 300, 4
	root := t.TempDir()
	version := func(i int) string {
		name := fmt.Sprintf("..%06d", i)
		require.NoError(t, os.Mkdir(filepath.Join(root, name), 0o700))
		writeFile(t, filepath.Join(root, name, guid), `{}`)
		writeFile(t, filepath.Join(root, name, "secrets.json"), `{"a":"b"}`)
		require.NoError(t, os.Symlink(name, filepath.Join(root, "..data_tmp")))
		require.NoError(t, os.Rename(filepath.Join(root, "..data_tmp"), filepath.Join(root, "..data")))
		return filepath.Join(root, name)
	}
	old := version(0)
	for _, name := range []string{guid, "secrets.json"} {
		require.NoError(t, os.Symlink("..data/"+name, filepath.Join(root, name)))
	}
	configs := openFolder(t, root, "{guid}")
	secrets := openSecrets(t, localFile, fields{"secretsFile": filepath.Join(root, "secrets.json")})

	var done atomic.Bool
	var missing, reads atomic.Int64
	var calls sync.WaitGroup
	for range readers {
		calls.Go(func() {
			for !done.Load() {
				_, err := configs.Config(t.Context(), guid)
				_, failure := secrets.Secret(t.Context(), "a")
				reads.Add(1)
				if store.Missing(err) || err != nil || failure != nil && credential.KindOf(failure) != credential.Unavailable {
					missing.Add(1)
				}
			}
		})
	}
	for i := range swaps {
		next := version(i + 1)
		require.NoError(t, os.RemoveAll(old))
		old = next
	}
	done.Store(true)
	calls.Wait()
	require.Zero(t, missing.Load(), "of %d reads", reads.Load())
}
