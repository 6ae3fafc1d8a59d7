package backend

import (
	"context"

	"github.com/dapr/components-contrib/state"
)

// stateConn is a connected state store of contrib.
type stateConn struct {
	state.Store

	// classify makes a StoreError of what the store returned.
	classify func(error) error
}

var _ configConn = (*stateConn)(nil)

// get reads a key. contrib's state stores answer a missing key with neither data
// nor an etag, and no error.
func (c *stateConn) get(ctx context.Context, key string) ([]byte, error) {
	resp, err := c.Get(ctx, &state.GetRequest{Key: key})
	switch {
	case err != nil:
		return nil, c.classify(err)
	case resp == nil || len(resp.Data) == 0 && resp.ETag == nil:
		return nil, absent()
	}
	return resp.Data, nil
}

// set stores bytes as they are: contrib encodes any other type anew.
func (c *stateConn) set(ctx context.Context, key string, data []byte) error {
	if err := c.Set(ctx, &state.SetRequest{Key: key, Value: data}); err != nil {
		return c.classify(err)
	}
	return nil
}
