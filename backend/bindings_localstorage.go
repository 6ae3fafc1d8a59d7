package backend

import (
	"context"
	"os"
	"strings"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/bindings/localstorage"
	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"
)

// bindingsLocalStorage is bindings.localstorage: one file a config, in a folder.
func bindingsLocalStorage() storeType[configConn] {
	return storeType[configConn]{
		fields:   declaredFields(localstorage.NewLocalStorage(nil)),
		required: map[string]string{"rootPath": "name the folder that holds the configs"},
		connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (configConn, error) {
			store := localstorage.NewLocalStorage(log)
			if err := store.Init(ctx, bindings.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
				return nil, localStorageInitError(err)
			}
			root, _ := metadata.GetMetadataProperty(fields, "rootPath")
			return &localStorageConn{store, root}, nil
		},
	}
}

// localStorageInitError takes a folder that cannot be made now for what a retry
// may mend, and everything else (a disallowed root, a file) for final. contrib
// wraps the system's error in the first case alone.
func localStorageInitError(err error) error {
	if strings.HasPrefix(err.Error(), "failed to parse metadata") {
		return permanent(err)
	}
	return err
}

type localStorageConn struct {
	bindings.OutputBinding

	root string
}

var _ configConn = (*localStorageConn)(nil)

// localStorageMissing begins contrib's error for a file that does not exist. It
// is text, and wraps nothing; a test holds contrib to it.
const localStorageMissing = "file not found: "

func (c *localStorageConn) get(ctx context.Context, key string) ([]byte, error) {
	resp, err := c.invoke(ctx, bindings.GetOperation, key, nil)
	switch {
	case err != nil && strings.HasPrefix(err.Error(), localStorageMissing):
		if _, gone := os.Stat(c.root); gone != nil {
			return nil, failed(gone) // a volume that is not mounted lacks every config
		}
		return nil, absent()
	case err != nil:
		return nil, failed(err)
	}
	return resp.Data, nil
}

func (c *localStorageConn) set(ctx context.Context, key string, data []byte) error {
	if _, err := c.invoke(ctx, bindings.CreateOperation, key, data); err != nil {
		return failed(err)
	}
	return nil
}

func (c *localStorageConn) invoke(
	ctx context.Context, op bindings.OperationKind, file string, data []byte,
) (*bindings.InvokeResponse, error) {
	return c.Invoke(ctx, &bindings.InvokeRequest{
		Operation: op, Data: data, Metadata: map[string]string{"fileName": file},
	})
}
