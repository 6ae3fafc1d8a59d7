package backend

import (
	"context"
	"errors"
	"os"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// followSQLite opens a database, and follows its file. One in memory has none.
func followSQLite(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
	uri := sqliteURIOf(fields)
	if uri.inMemory() {
		return connectSQLite(ctx, fields, log)
	}
	side := sideFiles{path: uri.path}
	object, err := follow(ctx, follower{
		what: "state.sqlite: the file of the database", log: store.Aloud(log), alone: true,
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

// followedSQLite is a followed database that sees edits.
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

// unreadSQLite makes a refusal to read Unavailable. SQLite refuses because of the modes of
// the database and its side files, which may be others in a moment.
func unreadSQLite(err error) error {
	var refused *credential.StoreError
	if errors.As(err, &refused) && refused.Kind == credential.Denied {
		return store.Unavailable(store.Explained("the file of the database, or one beside it, cannot be read", refused.Err))
	}
	return err
}

func (f *followedSQLite) Replace(ctx context.Context, key string, old, data []byte) error {
	return f.on(ctx, func(c followable) error { return c.(store.Replacer).Replace(ctx, key, old, data) })
}

// sideFiles are the write-ahead log of a database and its index, which SQLite finds by the
// name of the database's file. When another file gets that name, SQLite would take the log
// of the one before for its own: old pages, or a broken database. A log that came along with
// the new file, as with a restored copy of both, is another file and stays.
type sideFiles struct {
	path  string
	files map[string]place // by the end of the name
}

// remember notes those of the database that was opened.
func (s *sideFiles) remember() {
	s.files = map[string]place{}
	for _, end := range []string{"-wal", "-shm"} {
		if at, err := placeOf(s.path + end); err == nil {
			s.files[end] = at
		}
	}
}

// removeLeftOver removes those of the database that was open before, which is closed.
func (s *sideFiles) removeLeftOver() {
	for end, of := range s.files {
		if at, err := placeOf(s.path + end); err == nil && at == of {
			_ = os.Remove(s.path + end)
		}
	}
	s.files = nil
}
