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
)

// bindingsLocalStorage is bindings.localstorage: one file a config, in a folder.
func bindingsLocalStorage() storeType[configConn] {
	return storeType[configConn]{
		nearby:   true,
		fields:   declaredFields(localstorage.NewLocalStorage(nil)),
		required: map[string]string{"rootPath": "name the folder that holds the configs"},
		paths:    []string{"rootPath"},
		connect:  followLocalStorage,
	}
}

// followLocalStorage opens the folder that rootPath names, and follows its links: contrib
// does so once, at Init.
func followLocalStorage(ctx context.Context, fields map[string]string, log logger.Logger) (configConn, error) {
	root := field(fields, "rootPath")
	where := func() (p place, err error) {
		if p, err = placeOf(root); err == nil {
			p.path, err = filepath.EvalSymlinks(root)
		}
		return p, err
	}
	store, err := follow(ctx, follower{
		what: "bindings.localstorage: the folder of rootPath", log: aloud(log), where: where,
		open: func(ctx context.Context) (followable, error) {
			store := localstorage.NewLocalStorage(log)
			if err := store.Init(ctx, bindings.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
				return nil, localStorageInitError(err)
			}
			at, err := where()
			if err != nil {
				return nil, err
			}
			return &localStorageConn{store, at.path}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return store, nil
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

var (
	_ configConn = (*localStorageConn)(nil)
	_ deleter    = (*localStorageConn)(nil)
	_ lister     = (*localStorageConn)(nil)
)

// localStorageMissing begins contrib's error for a file that does not exist. It
// is text, and wraps nothing; a test holds contrib to it.
const localStorageMissing = "file not found: "

func (c *localStorageConn) get(ctx context.Context, key string) ([]byte, error) {
	resp, err := c.read(ctx, key)
	switch {
	case isMissingFile(err):
		return nil, absent()
	case errors.Is(err, errNotRegular), errors.Is(err, errFileTooLarge):
		return nil, err
	case err != nil:
		return nil, failed(err)
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
	switch err := checkSmall(path, info, maxConfigFile); {
	case errors.Is(err, errFileTooLarge):
		return unable(err)
	case err != nil:
		return unavailable(err)
	}
	return nil
}

func isMissingFile(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), localStorageMissing)
}

func (c *localStorageConn) set(ctx context.Context, key string, data []byte) error {
	if _, err := c.invoke(ctx, bindings.CreateOperation, key, data); err != nil {
		return failedWrite(err)
	}
	return nil
}

// delete deletes a file. contrib would delete an empty folder too: the caller has
// read the config before.
func (c *localStorageConn) delete(ctx context.Context, key string) error {
	_, err := c.invoke(ctx, bindings.DeleteOperation, key, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent()
	case err != nil:
		return failedWrite(err)
	}
	return nil
}

// list reads the one folder that the template's first {guid} stands in. contrib's
// own list operation walks the whole tree below, takes a folder that it may not
// read for an empty one, and does not follow the links of which Kubernetes makes
// its volumes.
func (c *localStorageConn) list(_ context.Context, key keyTemplate, _ string) (page, error) {
	segments := strings.Split(strings.TrimPrefix(path.Clean("/"+string(key)), "/"), "/")
	at := slices.IndexFunc(segments, func(s string) bool { return strings.Contains(s, GUIDPlaceholder) })
	if at < 0 { // as "{guid}/../config.json"
		return page{}, unable(ErrCannotList)
	}
	root, err := os.OpenRoot(c.root)
	if err != nil {
		return page{}, failed(err) // a volume that is not mounted lacks every config
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(root.FS(), path.Join(".", path.Join(segments[:at]...)))
	if errors.Is(err, fs.ErrNotExist) {
		return page{}, nil // made with the first config
	}
	if err != nil {
		return page{}, failed(err)
	}
	var p page
	file := keyTemplate(path.Join(segments...))
	for _, entry := range entries {
		guid, ok := keyTemplate(segments[at]).guid(entry.Name())
		if ok && mayBeConfig(root, file.of(guid)) {
			p.guids = append(p.guids, guid)
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
