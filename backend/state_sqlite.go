package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	contrib "github.com/dapr/components-contrib/state/sqlite"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// stateSQLite is state.sqlite, the default config store: a file, created on first use.
func stateSQLite() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Nearby:  true,
		Fields:  sqliteFields(),
		Prepare: sqliteDefaults,
		Paths:   []string{connectionString, "url"},
		Connect: followSQLite,
		Location: func(fields map[string]string) string {
			if uri := sqliteURIOf(fields); !uri.inMemory() {
				return uri.path
			}
			return ""
		},
		Ephemeral: func(fields map[string]string) bool {
			return sqliteURIOf(fields).inMemory()
		},
	}
}

// sqliteFields returns the fields that contrib declares, and the aliases that it reads without
// declaring them.
func sqliteFields() metadata.MetadataMap {
	fields := store.DeclaredFields(contrib.NewSQLiteStateStore(nil))
	for _, alias := range []string{"url", "timeoutInSeconds", "cleanupIntervalInSeconds"} {
		fields[alias] = metadata.MetadataField{}
	}
	return fields
}

// connectionString is contrib's name of the field for the database file. Its alias is url.
const connectionString = "connectionString"

// sqliteDefaults sets the default file if no file is named (DESIGN.md, section 2). It removes
// empty values, because contrib would prefer an empty connectionString to a url that is set.
func sqliteDefaults(fields map[string]string) error {
	for name, value := range fields {
		if value == "" && (strings.EqualFold(name, connectionString) || strings.EqualFold(name, "url")) {
			delete(fields, name)
		}
	}
	if given, _ := metadata.GetMetadataProperty(fields, connectionString, "url"); given != "" {
		return checkPragmas(given)
	}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home, err := os.UserHomeDir()
		if err != nil {
			return errors.New("$HOME is not set, so there is no default file: set " + connectionString + " to a file")
		}
		data = filepath.Join(home, ".local", "share")
	}
	fields[connectionString] = filepath.Join(data, "credential-resolver", "credentials.db")
	return nil
}

func connectSQLite(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
	database, err := openSQLiteFile(fields)
	if err != nil {
		return nil, err
	}
	defer database.close()
	object := contrib.NewSQLiteStateStore(log)
	err = object.Init(context.WithoutCancel(ctx), state.Metadata{Base: metadata.Base{Properties: database.fields}})
	if err != nil {
		_ = object.Close()
		return nil, sqliteInitError(err)
	}
	if err := database.verify(); err != nil {
		_ = object.Close()
		return nil, err
	}
	return newStateConn(object, classifySQLite), nil
}

const errNoDatabase = credential.Remedy("the file is not an SQLite database")

// sqliteInitError separates permanent errors (wrong metadata, a file that is not a database)
// from a database that cannot be opened at the moment.
func sqliteInitError(err error) error {
	code, ok := sqliteCode(err)
	switch {
	case ok && code == sqlite3.SQLITE_NOTADB:
		return store.Permanent(errNoDatabase)
	case ok, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	default:
		return store.Permanent(err)
	}
}

// classifySQLite classifies an error by SQLite's result code.
func classifySQLite(err error) error {
	code, ok := sqliteCode(err)
	if !ok {
		return store.Failed(err)
	}
	kind := credential.Unavailable
	switch code {
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY:
		kind = credential.Denied
	case sqlite3.SQLITE_INTERRUPT:
		kind = credential.Timeout
	}
	return &credential.StoreError{Kind: kind, Err: err}
}

// sqliteCode returns the primary result code of an SQLite error.
func sqliteCode(err error) (int, bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code() & 0xff, true
}
