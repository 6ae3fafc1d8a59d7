package backend

import (
	"context"
	"errors"

	"github.com/dapr/components-contrib/state"

	"credential-resolver/backend/store"
)

// stateConn is a connected state store of contrib.
type stateConn struct {
	store state.Store

	// classify makes a StoreError of what the store returned.
	classify func(error) error
}

var (
	_ store.ConfigConn = (*stateConn)(nil)
	_ store.Deleter    = (*stateConn)(nil)
	_ store.Replacer   = (*stateConn)(nil)
)

// newStateConn returns a connection that can do what its store can.
func newStateConn(object state.Store, classify func(error) error) store.ConfigConn {
	conn := &stateConn{object, classify}
	if keys, ok := object.(state.KeysLiker); ok {
		return &stateLister{conn, keys, pageSize}
	}
	return conn
}

// Get reads a key. contrib's state stores answer a missing key with neither data
// nor an etag, and no error.
func (c *stateConn) Get(ctx context.Context, key string) ([]byte, error) {
	resp, err := c.store.Get(ctx, &state.GetRequest{Key: key})
	switch {
	case err != nil:
		return nil, c.classify(err)
	case resp == nil || len(resp.Data) == 0 && resp.ETag == nil:
		return nil, store.Absent()
	}
	return resp.Data, nil
}

// Set stores bytes as they are: contrib encodes any other type anew.
func (c *stateConn) Set(ctx context.Context, key string, data []byte) error {
	if err := c.store.Set(ctx, &state.SetRequest{Key: key, Value: data}); err != nil {
		return c.classify(err)
	}
	return nil
}

// Replace stores bytes in the place of others, if those are still there.
func (c *stateConn) Replace(ctx context.Context, key string, old, data []byte) error {
	etag, done, err := c.replaceable(ctx, key, old, data)
	if err != nil || done {
		return err
	}
	failure := c.store.Set(ctx, &state.SetRequest{
		Key: key, Value: data, ETag: etag, Options: state.SetStateOption{Concurrency: state.FirstWrite},
	})
	var mismatch *state.ETagError
	if errors.As(failure, &mismatch) { // which some stores say of any failure
		if _, done, err = c.replaceable(ctx, key, old, data); err != nil || done {
			return err
		}
	}
	if failure != nil {
		return c.classify(failure)
	}
	return nil
}

// replaceable returns the etag of what is to be replaced, and whether that has been
// done: by an attempt before this one.
func (c *stateConn) replaceable(ctx context.Context, key string, old, data []byte) (etag *string, done bool, err error) {
	resp, err := c.store.Get(ctx, &state.GetRequest{Key: key})
	switch {
	case err != nil:
		return nil, false, c.classify(err)
	case resp == nil:
		return nil, false, store.Unable(store.ErrEdited)
	}
	done, err = replaced(resp.Data, old, data)
	return resp.ETag, done, err
}

// Delete deletes a key. contrib's state stores do not say whether it was there.
func (c *stateConn) Delete(ctx context.Context, key string) error {
	if err := c.store.Delete(ctx, &state.DeleteRequest{Key: key}); err != nil {
		return c.classify(err)
	}
	return nil
}

// Close implements store.ConfigConn.
func (c *stateConn) Close() error { return c.store.Close() }

// stateLister is a connected state store that can list its keys.
type stateLister struct {
	*stateConn

	keys state.KeysLiker
	size uint32 // of a page
}

var _ store.Lister = (*stateLister)(nil)

// pageSize is how many keys a state store is asked for at once; wholePage is for
// one whose pages are no good.
const (
	pageSize  = 1000
	wholePage = 1 << 24
)

// List takes the store's LIKE for a first sieve only: whether it heeds case, for
// one, is the store's own affair.
func (c *stateLister) List(ctx context.Context, key store.KeyTemplate, token string) (store.Page, error) {
	req := &state.KeysLikeRequest{Pattern: key.Like(), PageSize: &c.size}
	if token != "" {
		req.ContinuationToken = &token
	}
	resp, err := c.keys.KeysLike(ctx, req)
	if err != nil {
		return store.Page{}, c.classify(err)
	}
	var p store.Page
	for _, k := range resp.Keys {
		if guid, ok := key.GUID(k); ok {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	if resp.ContinuationToken != nil {
		p.Next = *resp.ContinuationToken
	}
	return p, nil
}
