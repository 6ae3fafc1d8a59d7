package azure

import (
	"errors"
	"sync"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// rereading is a file that is read again for each token. While it cannot be read, its last contents
// count.
type rereading struct {
	path       string
	most       int64             // bytes
	unreadable credential.Remedy // what it is that cannot be read

	mu     sync.Mutex
	last   []byte
	failed error // why the last contents are not those of the file; nil: they are
}

// read returns the contents. Its error is Unavailable (docs/stores.md), without the path.
func (r *rereading) read() ([]byte, error) {
	data, err := store.ReadSmall(r.path, r.most)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.last, r.failed = data, nil
		return data, nil
	}
	if cause := errors.Unwrap(err); cause != nil {
		err = cause
	}
	r.failed = store.Unavailable(store.Explained(r.unreadable, err))
	if r.last == nil {
		return nil, r.failed
	}
	return r.last, nil
}

// fail says why the contents cannot be used.
func (r *rereading) fail(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = why
}

// excuse returns why the file failed, in the place of the refusal of an identity that is not the
// file's: the file may have a new one.
func (r *rereading) excuse(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil && answeredWith(err) != nil {
		return r.failed
	}
	return err
}
