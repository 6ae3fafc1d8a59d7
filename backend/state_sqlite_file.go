package backend

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/backend/store"
	"credential-resolver/internal/owned"
	"credential-resolver/resolver/credential"
)

// sqliteURI is what a connection string says: contrib makes a URI of each.
type sqliteURI struct {
	path  string // of the file; "" for a temporary database
	query string
}

// sqliteURIOf takes a connection string apart as SQLite does.
func sqliteURIOf(fields map[string]string) sqliteURI {
	given, _ := metadata.GetMetadataProperty(fields, connectionString, "url")
	path, query, _ := strings.Cut(given, "?")
	path = strings.TrimPrefix(path, "file:")
	path, _, _ = strings.Cut(path, "#")
	if after, ok := strings.CutPrefix(path, "//"); ok {
		host, rest, _ := strings.Cut(after, "/")
		if host == "" || host == "localhost" { // SQLite refuses any other
			path = "/" + rest
		}
	}
	return sqliteURI{unescape(path), query}
}

// unescape decodes %20 and the like; what is no such escape stays, as in SQLite.
func unescape(path string) string {
	var b strings.Builder
	for len(path) > 0 {
		n := 1
		if path[0] == '%' && len(path) > 2 {
			n = 3
		}
		decoded, err := url.PathUnescape(path[:n])
		if err != nil {
			n, decoded = 1, path[:1]
		}
		b.WriteString(decoded)
		path = path[n:]
	}
	return b.String()
}

// inMemory tells whether the database ends with its connections.
func (u sqliteURI) inMemory() bool {
	query, _ := url.ParseQuery(u.query)
	return u.path == "" || u.path == ":memory:" || query.Get("mode") == "memory"
}

// connectionString returns the URI of the query on another path.
func (u sqliteURI) connectionString(path string) string {
	uri := "file:" + (&url.URL{Path: path}).EscapedPath()
	if u.query != "" {
		uri += "?" + u.query
	}
	return uri
}

// sqliteFile is a database's file that nobody else can tamper with.
type sqliteFile struct {
	fields map[string]string // the store's metadata, which names just this file
	folder *owned.Dir        // nil for a database in memory
	file   *owned.File
}

// openSQLiteFile checks the database's file and folder (DESIGN.md, section 9), and
// makes the file where there is none, so that nobody else can read it: SQLite itself
// would make it by the process's umask. The folder of the default is made too; any
// other must exist. SQLite trusts the journals that it finds beside the database, so
// they are checked as well.
func openSQLiteFile(fields map[string]string) (*sqliteFile, error) {
	uri := sqliteURIOf(fields)
	if uri.inMemory() {
		return &sqliteFile{fields: fields}, nil
	}
	folder, name := filepath.Split(uri.path)
	if folder == "" {
		folder = "."
	}
	var perm fs.FileMode
	if filepath.Base(folder) == "credential-resolver" {
		perm = 0o700
	}
	d, err := owned.Open(folder, owned.Options{Perm: perm})
	if err != nil {
		return nil, sqliteFileError(uri.path, err)
	}
	f := &sqliteFile{folder: d}
	_, missing := d.Lstat(name)
	for _, beside := range []string{"-journal", "-wal", "-shm"} {
		err = errors.Join(err, d.CheckFile(name+beside))
		if err == nil && errors.Is(missing, fs.ErrNotExist) {
			// It is of a database that was removed. SQLite would take it for the new one's.
			if err = d.Remove(name + beside); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		}
	}
	if err == nil {
		f.file, err = d.File(name, 0o600)
	}
	if err != nil {
		f.close()
		return nil, sqliteFileError(uri.path, err)
	}
	f.fields = maps.Clone(fields)
	maps.DeleteFunc(f.fields, func(name, _ string) bool {
		return strings.EqualFold(name, connectionString) || strings.EqualFold(name, "url")
	})
	f.fields[connectionString] = uri.connectionString(f.file.Path())
	return f, nil
}

// verify fails if SQLite may have opened another file.
func (f *sqliteFile) verify() error {
	if f.file == nil {
		return nil
	}
	return sqliteFileError(f.file.Path(), f.file.Verify())
}

// close ends the check.
func (f *sqliteFile) close() {
	if f.folder != nil {
		_ = f.folder.Close()
	}
}

// sqliteFileError makes a refusal permanent, as a person must mend it. Its words name
// the path, and are a remedy. Any other error names the path as the metadata do, which
// is taken out where nobody may see it.
func sqliteFileError(path string, err error) error {
	var refusal *owned.Refusal
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return store.Permanent(credential.Remedy(refusal.Error()))
	case errors.As(err, &errno):
		return fmt.Errorf("%s: %w", path, errno)
	default:
		return fmt.Errorf("%s: %w", path, err)
	}
}
