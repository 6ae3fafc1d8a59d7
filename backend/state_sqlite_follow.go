package backend

import (
	"context"
	"errors"
	"os"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// followSQLite opens a database and follows its file. A database in memory has no file.
func followSQLite(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
	uri := sqliteURIOf(fields)
	if uri.inMemory() {
		return connectSQLite(ctx, fields, log)
	}
	side := sideFiles{path: uri.path}
	object, err := follow(ctx, follower{
		what: "state.sqlite: the database file", log: store.Aloud(log), alone: true,
		where: func() (place, error) { return placeOf(uri.path) },
		open: func(ctx context.Context) (followable, error) {
			side.removeLeftOver()
			conn, err := connectSQLite(ctx, fields, log)
			if err != nil {
				return nil, err
			}
			side.remember()
			return conn.(*stateLister), nil
		},
	})
	if err != nil {
		return nil, err
	}
	return &followedSQLite{object}, nil
}

// followedSQLite is a followed database that can replace a config only if nobody has edited
// it.
type followedSQLite struct{ *followed }

var _ store.Replacer = (*followedSQLite)(nil)

func (f *followedSQLite) Get(ctx context.Context, key string) ([]byte, error) {
	data, err := f.followed.Get(ctx, key)
	return data, unreadSQLite(err)
}

func (f *followedSQLite) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	p, err := f.followed.List(ctx, key, token)
	return p, unreadSQLite(err)
}

// unreadSQLite turns a refused read into Unavailable. SQLite refuses because of the
// permissions of the database and its side files, which may change at any moment.
func unreadSQLite(err error) error {
	var refused *credential.StoreError
	if errors.As(err, &refused) && refused.Kind == credential.Denied {
		return store.Unavailable(store.Explained("the database file, or a file next to it, cannot be read", refused.Err))
	}
	return err
}

func (f *followedSQLite) Replace(ctx context.Context, key string, old, data []byte) error {
	return f.on(ctx, func(c followable) error { return c.(store.Replacer).Replace(ctx, key, old, data) })
}

// sideFiles are a database's write-ahead log and the log's index. SQLite finds them by the
// name of the database file. If another file gets that name, SQLite would use the old
// database's log for it, and return old pages or report a broken database. A log that arrives
// with the new file, for example when both are restored from a backup, is a different file and
// stays.
type sideFiles struct {
	path  string
	files map[string]place // by the suffix of the name
}

// remember records the side files of the database that was just opened.
func (s *sideFiles) remember() {
	s.files = map[string]place{}
	for _, end := range []string{"-wal", "-shm"} {
		if at, err := placeOf(s.path + end); err == nil {
			s.files[end] = at
		}
	}
}

// removeLeftOver removes the side files of the previous database, which is closed.
func (s *sideFiles) removeLeftOver() {
	for end, of := range s.files {
		if at, err := placeOf(s.path + end); err == nil && at == of {
			_ = os.Remove(s.path + end)
		}
	}
	s.files = nil
}
