package backend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
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

func TestSQLiteFailuresAreClassifiedByTheirCodes(t *testing.T) {
	// By a pragma and not by the file's mode, which root does not heed.
	readOnly := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=query_only(1)"
	noFolder := filepath.Join(t.TempDir(), "missing", "a.db")
	tests := map[string]struct {
		err  error
		want resolver.Kind
	}{
		"a database that may not be written is Denied": {
			sqliteFailure(t, t.Context(), readOnly, "CREATE TABLE t (a)"), resolver.Denied,
		},
		"a file that cannot be opened is Unavailable": {
			sqliteFailure(t, t.Context(), noFolder, "CREATE TABLE t (a)"), resolver.Unavailable,
		},
		"a table that is not there is Unavailable": {
			sqliteFailure(t, t.Context(), ":memory:", "SELECT a FROM missing"), resolver.Unavailable,
		},
		"running out of time is Timeout": {
			context.DeadlineExceeded, resolver.Timeout,
		},
		"no error of SQLite is Unavailable": {
			errors.New("failed to decode binary data"), resolver.Unavailable,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := classifySQLite(fmt.Errorf("in contrib: %w", test.err))
			require.Equal(t, test.want, resolver.KindOf(err))
			require.ErrorIs(t, err, test.err)
		})
	}
}

func TestSQLiteThatCannotBeOpenedNowIsTriedAgain(t *testing.T) {
	noFolder := filepath.Join(t.TempDir(), "missing", "a.db")
	var final *permanentError
	for _, err := range []error{
		sqliteFailure(t, t.Context(), noFolder, "CREATE TABLE t (a)"),
		context.DeadlineExceeded,
		context.Canceled,
	} {
		require.False(t, errors.As(sqliteInitError(fmt.Errorf("failed to ping: %w", err)), &final), "%v", err)
	}
	require.True(t, errors.As(sqliteInitError(errors.New("missing connection string")), &final))
}
