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
	}
}

// followLocalStorage opens the folder that rootPath names, and follows its links: contrib
// does so once, at Init.
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

// localStorageInitError takes a folder that cannot be made now for what a retry
// may mend, and everything else (a disallowed root, a file) for final. contrib
// wraps the system's error in the first case alone.
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

// localStorageMissing begins contrib's error for a file that does not exist. It
// is text, and wraps nothing; a test holds contrib to it.
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

// maxSwaps is how often in a row a folder may be swapped while one file of it is read.
const maxSwaps = 100

// read reads a file. One that is missing is looked for again (swapReads), and again if the
// folder changed meanwhile: a mounted folder may be being swapped. A folder that is gone, as
// a volume that is not mounted, lacks every config.
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

// checkFile refuses what contrib would read to its end: a huge file, or a device. A pipe is a
// store that does not answer. It finds the file as contrib does. Whatever else is wrong,
// contrib says.
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

// Delete deletes a file. contrib would delete an empty folder too: the caller has
// read the config before.
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

// List reads the one folder that the template's first {guid} stands in. contrib's
// own list operation walks the whole tree below, takes a folder that it may not
// read for an empty one, and does not follow the links of which Kubernetes makes
// its volumes.
func (c *localStorageConn) List(_ context.Context, key store.KeyTemplate, _ string) (store.Page, error) {
	segments := strings.Split(strings.TrimPrefix(path.Clean("/"+string(key)), "/"), "/")
	at := slices.IndexFunc(segments, func(s string) bool { return strings.Contains(s, store.GUIDPlaceholder) })
	if at < 0 { // as "{guid}/../config.json"
		return store.Page{}, store.Unable(store.ErrCannotList)
	}
	root, err := os.OpenRoot(c.root)
	if err != nil {
		return store.Page{}, store.Failed(err) // a volume that is not mounted lacks every config
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(root.FS(), path.Join(".", path.Join(segments[:at]...)))
	if errors.Is(err, fs.ErrNotExist) {
		return store.Page{}, nil // made with the first config
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

// mayBeConfig tells whether there may be a config at a path: what cannot be told
// now is for whoever asks for that config to hear.
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
