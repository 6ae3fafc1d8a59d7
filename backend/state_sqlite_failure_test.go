package backend_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// lockDatabase locks the whole database. Without a write-ahead log, that also locks readers
// out.
func lockDatabase(t *testing.T, path string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	require.NoError(t, err)
	locked := true
	unlock = func() {
		if !locked {
			return
		}
		locked = false
		// t.Context() has already ended during a cleanup.
		_, err := conn.ExecContext(context.Background(), "ROLLBACK")
		require.NoError(t, errors.Join(err, conn.Close()))
	}
	t.Cleanup(unlock)
	return unlock
}

func lockable(path string) fields {
	return fields{"connectionString": path, "disableWAL": "true", "busyTimeout": "1ms"}
}

func TestLockedSQLiteDatabaseIsUnavailableAndNotMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	configs := openConfigs(t, "state.sqlite", lockable(path))
	require.NoError(t, configs.Put(within(t), guid, []byte("{}")))
	unlock := lockDatabase(t, path)

	for _, g := range []string{guid, "never-stored"} {
		_, err := configs.Config(within(t), g)
		requireKind(t, credential.Unavailable, err)
	}
	requireKind(t, credential.Unavailable, configs.Put(within(t), guid, []byte("{}")))

	unlock()
	_, err := configs.Config(within(t), guid)
	require.NoError(t, err)
}

func TestSQLiteDatabaseThatIsLockedAtTheStartIsConnectedLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	unlock := lockDatabase(t, path)
	configs := openConfigs(t, "state.sqlite", lockable(path))
	_, err := configs.Config(brief(t), guid)
	requireKind(t, credential.Unavailable, err)

	unlock()
	require.Eventually(t, func() bool {
		_, err := configs.Config(within(t), guid)
		return store.Missing(err)
	}, long, tick)
}

func TestSQLiteFolderThatIsMissingAtTheStartIsConnectedLater(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "not-mounted-yet")
	log, text := openLog(t, logger.InfoLevel)
	configs := openConfigsWith(t, configSpec("state.sqlite", fields{"connectionString": folder + "/a.db"}),
		store.GUIDPlaceholder, store.Options{Logger: log})
	_, err := configs.Config(brief(t), guid)
	requireKind(t, credential.Unavailable, err)
	require.Eventually(t, func() bool { return strings.Contains(text(), "no such file or directory") }, long, tick)
	require.NotContains(t, text(), folder, "a path may only be logged at debug level")

	require.NoError(t, os.Mkdir(folder, 0o700))
	require.Eventually(t, func() bool {
		_, err := configs.Config(within(t), guid)
		return store.Missing(err)
	}, long, tick)
	requireMode(t, 0o600, folder+"/a.db")
}

func TestCommandDoesNotWaitForAFolderThatIsMissing(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "mistyped")
	opts := silent(t)
	opts.FailFast = true
	_, err := backend.OpenConfigStore(t.Context(),
		configSpec("state.sqlite", fields{"connectionString": folder + "/a.db"}), store.GUIDPlaceholder, opts)
	require.ErrorContains(t, err, "configStore (state.sqlite)")
	require.ErrorContains(t, err, "no such file or directory")
}

func TestSQLiteRefusesPermanentMistakes(t *testing.T) {
	notDatabase := tempFile(t, "credentials.json", `{"canary":"canary-in-the-file","padding":"`+
		"0123456789012345678901234567890123456789012345678901234567890123456789"+`"}`)
	database := filepath.Join(t.TempDir(), "a.db")
	tests := map[string]struct {
		fields fields
		want   string
	}{
		"a file that is not a database": {
			fields{"connectionString": notDatabase}, "the file is not an SQLite database",
		},
		"a time limit that is too short": {
			fields{"connectionString": database, "timeout": "1ms"}, "timeout",
		},
		"an invalid table name": {
			fields{"connectionString": database, "tableName": "a;b"}, "invalid identifier",
		},
		"an option that belongs to another field": {
			fields{"connectionString": database + "?_pragma=busy_timeout(1)"}, "busy_timeout",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := refusedConfigs(t, "state.sqlite", test.fields)
			require.Contains(t, text, "configStore (state.sqlite): ")
			require.Contains(t, text, test.want)
			require.NotContains(t, text, "canary")
			require.NotContains(t, text, test.fields["connectionString"])
		})
	}
}

func TestSQLiteTableThatVanishesIsAFailureAndNotMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	configs := openConfigs(t, "state.sqlite", fields{"connectionString": path})
	require.NoError(t, configs.Put(within(t), guid, []byte("{}")))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "DROP TABLE state")
	require.NoError(t, errors.Join(err, db.Close()))

	_, err = configs.Config(within(t), guid)
	requireKind(t, credential.Unavailable, err)
}
