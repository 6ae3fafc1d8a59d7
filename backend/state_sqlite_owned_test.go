package backend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/internal/owned/ownedtest"
)

// leaveOne creates a database and closes it.
func leaveOne(t *testing.T, path string) {
	t.Helper()
	configs, err := backend.OpenConfigStore(t.Context(), configSpec("state.sqlite", fields{"connectionString": path}),
		store.GUIDPlaceholder, silent(t))
	require.NoError(t, err)
	require.NoError(t, configs.Put(within(t), guid, []byte("{}")))
	require.NoError(t, configs.Close())
}

func TestSQLiteFileThatOthersCanTamperWithIsRefused(t *testing.T) {
	const name = "a.db"
	tests := map[string]func(t *testing.T, folder string) (says string){
		"another user's": func(t *testing.T, folder string) string {
			path := filepath.Join(folder, name)
			leaveOne(t, path)
			return ownedtest.GiveAway(t, path)
		},
		"others may write to it": func(t *testing.T, folder string) string {
			path := filepath.Join(folder, name)
			leaveOne(t, path)
			require.NoError(t, os.Chmod(path, 0o606))
			return path + " (owner uid "
		},
		"in another user's folder": func(t *testing.T, folder string) string {
			leaveOne(t, filepath.Join(folder, name))
			return ownedtest.GiveAway(t, folder)
		},
		"missing, in another user's folder": func(t *testing.T, folder string) string {
			return ownedtest.GiveAway(t, folder)
		},
		"in a folder that others may write to": func(t *testing.T, folder string) string {
			leaveOne(t, filepath.Join(folder, name))
			require.NoError(t, os.Chmod(folder, 0o777))
			return `run "chmod go-w ` + folder + `"`
		},
		"in a sticky folder, where others can add a journal": func(t *testing.T, folder string) string {
			require.NoError(t, os.Chmod(folder, os.ModeSticky|0o777))
			return "use a folder inside it that belongs to this process's user"
		},
		"a link to a database": func(t *testing.T, folder string) string {
			path := filepath.Join(folder, name)
			leaveOne(t, path)
			require.NoError(t, os.Rename(path, path+".away"))
			require.NoError(t, os.Symlink(path+".away", path))
			return path + " (owner uid "
		},
		"a dangling link": func(t *testing.T, folder string) string {
			require.NoError(t, os.Symlink(filepath.Join(folder, "made"), filepath.Join(folder, name)))
			return "is a symbolic link, which is not followed"
		},
		"its folder is a link": func(t *testing.T, folder string) string {
			require.NoError(t, os.Rename(folder, folder+".away"))
			t.Cleanup(func() { _ = os.RemoveAll(folder + ".away") })
			require.NoError(t, os.Symlink(folder+".away", folder))
			return folder + " (owner uid "
		},
	}
	for _, beside := range []string{"-journal", "-wal", "-shm"} {
		tests["beside it, a "+beside+" of a stranger's"] = func(t *testing.T, folder string) string {
			path := filepath.Join(folder, name)
			leaveOne(t, path)
			require.NoError(t, os.WriteFile(path+beside, nil, 0o600))
			return ownedtest.GiveAway(t, path+beside)
		}
	}
	for what, prepare := range tests {
		t.Run(what, func(t *testing.T) {
			folder := ownedtest.Folder(t, 0o755)
			says := prepare(t, folder)
			before, err := os.ReadDir(folder)
			require.NoError(t, err)
			f := fields{"connectionString": "file:" + filepath.Join(folder, name) + "?_txlock=immediate"}

			text := refusedConfigs(t, "state.sqlite", f)

			require.Contains(t, text, "configStore (state.sqlite): /")
			require.Contains(t, text, says)
			opts := silent(t)
			opts.FailFast = true // as commands do
			_, err = backend.OpenConfigStore(t.Context(), configSpec("state.sqlite", f), store.GUIDPlaceholder, opts)
			require.ErrorContains(t, err, says)
			after, err := os.ReadDir(folder)
			require.NoError(t, err)
			require.Len(t, after, len(before), "no file may be created")
		})
	}
}

// A parent folder may be a link, as /var is on macOS.
func TestSQLiteFileBelowALinkIsTaken(t *testing.T) {
	folder := ownedtest.Folder(t, 0o755)
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "real", "sub"), 0o755))
	require.NoError(t, os.Symlink("real", filepath.Join(folder, "link")))
	storeOne(t, fields{"connectionString": filepath.Join(folder, "link", "sub", "a.db")})
	requireMode(t, 0o600, filepath.Join(folder, "real", "sub", "a.db"))
}

// A refusal that happens while a store connects in the background is logged.
func TestSQLiteFileThatIsRefusedLaterIsLogged(t *testing.T) {
	folder := filepath.Join(ownedtest.Folder(t, 0o755), "not-mounted-yet")
	log, text := openLog(t, logger.InfoLevel)
	openConfigsWith(t, configSpec("state.sqlite", fields{"connectionString": folder + "/a.db"}),
		store.GUIDPlaceholder, store.Options{Logger: log})
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.Chmod(folder, 0o777))
	require.Eventually(t, func() bool { return strings.Contains(text(), `chmod go-w `+folder) }, long, tick)
	require.NoFileExists(t, folder+"/a.db")
}

func TestSQLiteOpensThePathThatWasChecked(t *testing.T) {
	tests := map[string]struct{ connectionString, file string }{
		"as it is":                         {"%s/a.db", "a.db"},
		"an escape in a path":              {"%s/a%%20b.db", "a b.db"},
		"a percent sign that is no escape": {"%s/100%%.db", "100%.db"},
		"half an escape and a whole":       {"%s/%%zz%%20%%2", "%zz %2"},
		"an escape at the end":             {"%s/a%%20", "a "},
		"an escaped question mark":         {"file:%s/a%%3fb.db", "a?b.db"},
		"a plus sign":                      {"%s/a+b.db", "a+b.db"},
		"a fragment":                       {"file:%s/a.db#b", "a.db"},
		"a host":                           {"file://localhost%s/a.db", "a.db"},
		"mode=memory of another name":      {"file:%s/a.db?x=mode=memory", "a.db"},
		"a query":                          {"%s/a.db?mode=rwc&cache=private", "a.db"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			folder := ownedtest.Folder(t, 0o755)
			storeOne(t, fields{"connectionString": fmt.Sprintf(test.connectionString, folder)})
			requireMode(t, 0o600, filepath.Join(folder, test.file))
			files, err := filepath.Glob(filepath.Join(folder, "*"))
			require.NoError(t, err)
			require.LessOrEqual(t, len(files), 3, "%s", files) // with -wal and -shm
		})
	}
}
