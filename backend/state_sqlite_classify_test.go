package backend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// sqliteFailure returns SQLite's own error for a statement.
func sqliteFailure(t *testing.T, ctx context.Context, connectionString, statement string) error {
	t.Helper()
	db, err := sql.Open("sqlite", connectionString)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	require.Error(t, err)
	return err
}

// movedDatabase returns SQLite's own error for a write to a database whose file has another name
// since it was opened. It is one of the errors whose code is an extended one.
func movedDatabase(t *testing.T) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), "CREATE TABLE t (a)")
	require.NoError(t, err)
	require.NoError(t, os.Rename(path, path+".moved"))
	_, err = db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
	var failure *sqlite.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, sqlite3.SQLITE_READONLY_DBMOVED, failure.Code())
	return err
}

// interrupted returns SQLite's own error for a statement that was still running at its end.
func interrupted(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	return sqliteFailure(t, ctx, ":memory:", "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c")
}

func TestSQLiteFailuresAreClassifiedByTheirCodes(t *testing.T) {
	// Use a pragma, because root ignores file modes.
	readOnly := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=query_only(1)"
	noFolder := filepath.Join(t.TempDir(), "missing", "a.db")
	tests := map[string]struct {
		err  error
		want credential.Kind
	}{
		"a database that may not be written is Denied": {
			sqliteFailure(t, t.Context(), readOnly, "CREATE TABLE t (a)"), credential.Denied,
		},
		"a read-only database is Denied by an extended code too": {
			movedDatabase(t), credential.Denied,
		},
		"a file that cannot be opened is Unavailable": {
			sqliteFailure(t, t.Context(), noFolder, "CREATE TABLE t (a)"), credential.Unavailable,
		},
		"an interrupted statement is Timeout": {
			interrupted(t), credential.Timeout,
		},
		"a missing table is Unavailable": {
			sqliteFailure(t, t.Context(), ":memory:", "SELECT a FROM missing"), credential.Unavailable,
		},
		"running out of time is Timeout": {
			context.DeadlineExceeded, credential.Timeout,
		},
		"an error of something else is Unavailable": {
			errors.New("failed to decode binary data"), credential.Unavailable,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := classifySQLite(fmt.Errorf("in contrib: %w", test.err))
			storetest.RequireKind(t, test.want, err)
			require.ErrorIs(t, err, test.err)
		})
	}
}

func TestSQLiteThatCannotBeOpenedNowIsTriedAgain(t *testing.T) {
	noFolder := filepath.Join(t.TempDir(), "missing", "a.db")
	var final *store.PermanentError
	for _, err := range []error{
		sqliteFailure(t, t.Context(), noFolder, "CREATE TABLE t (a)"),
		context.DeadlineExceeded,
		context.Canceled,
	} {
		require.False(t, errors.As(sqliteInitError(fmt.Errorf("failed to ping: %w", err)), &final), "%v", err)
	}
	require.True(t, errors.As(sqliteInitError(errors.New("missing connection string")), &final))
}

// refusingDatabase is a database that SQLite may neither read nor write.
type refusingDatabase struct {
	followable

	err error
}

func (d refusingDatabase) Get(context.Context, string) ([]byte, error) { return nil, d.err }
func (d refusingDatabase) List(context.Context, store.KeyTemplate, string) (store.Page, error) {
	return store.Page{}, d.err
}
func (d refusingDatabase) Set(context.Context, string, []byte) error { return d.err }

// The file modes may change soon, so a refused read is Unavailable.
func TestSQLiteRefusesToWriteAndIsUnavailableToReaders(t *testing.T) {
	readOnly := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=query_only(1)"
	refusal := classifySQLite(sqliteFailure(t, t.Context(), readOnly, "CREATE TABLE t (a)"))
	object, err := follow(t.Context(), follower{
		log:   storetest.DevNull(t),
		where: func() (place, error) { return place{}, nil },
		open:  func(context.Context) (followable, error) { return refusingDatabase{err: refusal}, nil },
	})
	require.NoError(t, err)
	conn := &followedSQLite{object}
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	_, err = conn.List(t.Context(), "{guid}", "")
	storetest.RequireKind(t, credential.Unavailable, err)
	storetest.RequireKind(t, credential.Denied, conn.Set(t.Context(), "a", nil))
}
