package backend

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/bindings/localstorage"
	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
)

// bindingsLocalStorage is bindings.localstorage: one file a config, in a folder.
func bindingsLocalStorage() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Nearby:   true,
		Fields:   store.DeclaredFields(localstorage.NewLocalStorage(nil)),
		Required: map[string]string{"rootPath": "name the folder that holds the configs"},
		Paths:    []string{"rootPath"},
		Connect:  followLocalStorage,
		Location: func(fields map[string]string) string { return store.Field(fields, "rootPath") },
	}
}

// followLocalStorage opens the folder that rootPath names. It follows the folder's symbolic
// links before each call; contrib follows them only once, at Init.
func followLocalStorage(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
	root := store.Field(fields, "rootPath")
	where := func() (p place, err error) {
		if p, err = placeOf(root); err == nil {
			p.path, err = filepath.EvalSymlinks(root)
		}
		return p, err
	}
	object, err := follow(ctx, follower{
		what: "bindings.localstorage: the folder of rootPath", log: store.Aloud(log), where: where,
		open: func(ctx context.Context) (followable, error) {
			object := localstorage.NewLocalStorage(log)
			if err := object.Init(ctx, bindings.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
				return nil, localStorageInitError(err)
			}
			at, err := where()
			if err != nil {
				return nil, err
			}
			return &localStorageConn{object, at.path}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return object, nil
}

// localStorageInitError decides whether a retry may help. A folder that cannot be created now
// may become possible later. Everything else is permanent, such as a disallowed root or a
// rootPath that is a file. contrib wraps the system's error only in the first case.
func localStorageInitError(err error) error {
	if strings.HasPrefix(err.Error(), "failed to parse metadata") {
		return store.Permanent(err)
	}
	return err
}

type localStorageConn struct {
	bindings.OutputBinding

	root string
}

var (
	_ store.ConfigConn = (*localStorageConn)(nil)
	_ store.Deleter    = (*localStorageConn)(nil)
	_ store.Lister     = (*localStorageConn)(nil)
)

// localStorageMissing is the start of contrib's error for a file that does not exist. The
// error is plain text and wraps nothing. A test checks that contrib still uses this text.
const localStorageMissing = "file not found: "

func (c *localStorageConn) Get(ctx context.Context, key string) ([]byte, error) {
	resp, err := c.read(ctx, key)
	switch {
	case isMissingFile(err):
		return nil, store.Absent()
	case errors.Is(err, store.ErrNotRegular), errors.Is(err, store.ErrFileTooLarge):
		return nil, err
	case err != nil:
		return nil, store.Failed(err)
	}
	return resp.Data, nil
}

// maxSwaps limits how often one read starts again because the folder was swapped.
const maxSwaps = 100

// read reads a file. A missing file is looked up swapReads times, and again if the folder
// changed meanwhile, because a mounted folder may be in the middle of a swap. If the folder
// itself is gone, for example a volume that is not mounted, every config fails with that
// error.
func (c *localStorageConn) read(ctx context.Context, key string) (resp *bindings.InvokeResponse, err error) {
	for reads := 1; reads < maxSwaps; reads++ {
		before, gone := versionOf(c.root)
		if gone != nil {
			return nil, gone
		}
		if err := c.checkFile(key); err != nil {
			return nil, err
		}
		resp, err = c.invoke(ctx, bindings.GetOperation, key, nil)
		if !isMissingFile(err) {
			break
		}
		after, gone := versionOf(c.root)
		if gone == nil && after == before && reads >= swapReads {
			break
		}
	}
	return resp, err
}

// checkFile refuses what contrib would read without a limit: a huge file, or a device. A named
// pipe passes: it is treated as a store that does not answer. checkFile resolves the path as
// contrib does, and leaves every other error to contrib.
func (c *localStorageConn) checkFile(key string) error {
	path, err := securejoin.SecureJoin(c.root, key)
	if err != nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || info.Mode()&fs.ModeNamedPipe != 0 {
		return nil
	}
	switch err := store.CheckSmall(path, info, store.MaxConfigFile); {
	case errors.Is(err, store.ErrFileTooLarge):
		return store.Unable(err)
	case err != nil:
		return store.Unavailable(err)
	}
	return nil
}

func isMissingFile(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), localStorageMissing)
}

func (c *localStorageConn) Set(ctx context.Context, key string, data []byte) error {
	if _, err := c.invoke(ctx, bindings.CreateOperation, key, data); err != nil {
		return store.FailedWrite(err)
	}
	return nil
}

// Delete deletes a file. contrib would also delete an empty folder, but the caller has already
// read the config.
func (c *localStorageConn) Delete(ctx context.Context, key string) error {
	_, err := c.invoke(ctx, bindings.DeleteOperation, key, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return store.Absent()
	case err != nil:
		return store.FailedWrite(err)
	}
	return nil
}

// List reads the one folder whose entries match the template's first {guid}. It does not use
// contrib's list operation, which walks the whole tree, treats an unreadable folder as empty,
// and does not follow the links that Kubernetes uses in its volumes.
func (c *localStorageConn) List(_ context.Context, key store.KeyTemplate, _ string) (store.Page, error) {
	segments := strings.Split(strings.TrimPrefix(path.Clean("/"+string(key)), "/"), "/")
	at := slices.IndexFunc(segments, func(s string) bool { return strings.Contains(s, store.GUIDPlaceholder) })
	if at < 0 { // for example "{guid}/../config.json"
		return store.Page{}, store.Unable(store.ErrCannotList)
	}
	root, err := os.OpenRoot(c.root)
	if err != nil {
		return store.Page{}, store.Failed(err) // for example a volume that is not mounted
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(root.FS(), path.Join(".", path.Join(segments[:at]...)))
	if errors.Is(err, fs.ErrNotExist) {
		return store.Page{}, nil // it is created with the first config
	}
	if err != nil {
		return store.Page{}, store.Failed(err)
	}
	var p store.Page
	file := store.KeyTemplate(path.Join(segments...))
	for _, entry := range entries {
		guid, ok := store.KeyTemplate(segments[at]).GUID(entry.Name())
		if ok && mayBeConfig(root, file.Of(guid)) {
			p.GUIDs = append(p.GUIDs, guid)
		}
	}
	return p, nil
}

// mayBeConfig reports whether a path may hold a config. If that cannot be determined now, it
// returns true, and the error appears when the config is read.
func mayBeConfig(root *os.Root, name string) bool {
	info, err := root.Stat(name)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
	}
	return info.Mode().IsRegular()
}

func (c *localStorageConn) invoke(
	ctx context.Context, op bindings.OperationKind, file string, data []byte,
) (*bindings.InvokeResponse, error) {
	return c.Invoke(ctx, &bindings.InvokeRequest{
		Operation: op, Data: data, Metadata: map[string]string{"fileName": file},
	})
}
