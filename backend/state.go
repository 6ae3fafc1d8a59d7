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

	// classify turns an error of the store into a StoreError.
	classify func(error) error
}

var (
	_ store.ConfigConn = (*stateConn)(nil)
	_ store.Deleter    = (*stateConn)(nil)
	_ store.Replacer   = (*stateConn)(nil)
)

// newStateConn returns a connection that can list keys if the store can.
func newStateConn(object state.Store, classify func(error) error) store.ConfigConn {
	conn := &stateConn{object, classify}
	if keys, ok := object.(state.KeysLiker); ok {
		return &stateLister{conn, keys, pageSize}
	}
	return conn
}

// Get reads a key. For a missing key, contrib's state stores return neither data nor an etag,
// and no error.
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

// Set stores bytes unchanged. contrib encodes any other type.
func (c *stateConn) Set(ctx context.Context, key string, data []byte) error {
	if err := c.store.Set(ctx, &state.SetRequest{Key: key, Value: data}); err != nil {
		return c.classify(err)
	}
	return nil
}

// Replace replaces a value if the stored one is still old.
func (c *stateConn) Replace(ctx context.Context, key string, old, data []byte) error {
	return store.ReplaceIfOld(old, data, func() ([]byte, *string, error) {
		resp, err := c.store.Get(ctx, &state.GetRequest{Key: key})
		switch {
		case err != nil:
			return nil, nil, c.classify(err)
		case resp == nil:
			return nil, nil, store.Absent()
		}
		return resp.Data, resp.ETag, nil
	}, func(etag *string) (bool, error) {
		err := c.store.Set(ctx, &state.SetRequest{
			Key: key, Value: data, ETag: etag, Options: state.SetStateOption{Concurrency: state.FirstWrite},
		})
		if err == nil {
			return false, nil
		}
		var mismatch *state.ETagError // some stores return this for any failure
		return errors.As(err, &mismatch), c.classify(err)
	})
}

// Delete deletes a key. contrib's state stores do not report whether the key existed.
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

// pageSize is how many keys are requested from a state store at a time. wholePage is for
// stores whose pages cannot be used.
const (
	pageSize  = 1000
	wholePage = 1 << 24
)

// List uses the store's LIKE only as a first filter, because stores differ, for example in
// whether LIKE is case-sensitive.
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
