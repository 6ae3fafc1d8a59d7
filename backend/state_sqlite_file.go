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

// sqliteURI is a parsed connection string. contrib turns every connection string into a URI.
type sqliteURI struct {
	path  string // of the file; "" for a temporary database
	query string
}

// sqliteURIOf parses a connection string as SQLite does.
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

// unescape decodes escapes such as %20. It leaves invalid escapes unchanged, as SQLite does.
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

// inMemory reports whether the database is lost when its connections close.
func (u sqliteURI) inMemory() bool {
	query, _ := url.ParseQuery(u.query)
	return u.path == "" || u.path == ":memory:" || query.Get("mode") == "memory"
}

// connectionString returns a URI with another path and the same query.
func (u sqliteURI) connectionString(path string) string {
	uri := "file:" + (&url.URL{Path: path}).EscapedPath()
	if u.query != "" {
		uri += "?" + u.query
	}
	return uri
}

// sqliteFile is a database file that other users cannot tamper with.
type sqliteFile struct {
	fields map[string]string // the store's metadata, with the checked file as connectionString
	folder *owned.Dir        // nil for a database in memory
	file   *owned.File
}

// openSQLiteFile checks the database's file and folder (DESIGN.md, section 9). If the file is
// missing, it creates one that other users cannot read; SQLite itself would apply the
// process's umask. It also creates the default folder; any other folder must exist. SQLite
// trusts the journals that it finds beside the database, so they are checked too.
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
			// It is left over from a removed database. SQLite would use it for the new one.
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

// verify returns an error if SQLite may have opened a different file.
func (f *sqliteFile) verify() error {
	if f.file == nil {
		return nil
	}
	return sqliteFileError(f.file.Path(), f.file.Verify())
}

// close closes the checked folder.
func (f *sqliteFile) close() {
	if f.folder != nil {
		_ = f.folder.Close()
	}
}

// sqliteFileError makes a refusal permanent, because a person must fix it. The refusal's text
// names the path and becomes a remedy. Any other error names the path as the metadata do; it
// is removed where it must not be visible.
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
