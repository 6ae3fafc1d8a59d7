package backend

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	contrib "github.com/dapr/components-contrib/secretstores/local/file"
	"github.com/dapr/kit/logger"
	kitstrings "github.com/dapr/kit/strings"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// secretsLocalFile is secretstores.local.file: a JSON file. contrib's store reads the file
// only at Init, and silently changes values that are not strings. So this store reads the file
// itself whenever it has changed. It names secrets and entries as contrib does.
func secretsLocalFile() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Nearby:   true,
		Fields:   store.DeclaredFields(contrib.NewLocalSecretStore(nil)),
		Required: map[string]string{"secretsFile": "name the JSON file that holds the secrets"},
		Paths:    []string{"secretsFile"},
		Connect: func(_ context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
			c := newLocalFileConn(fields, store.Aloud(log))
			if _, err := c.current(); err != nil {
				return nil, err
			}
			return c, nil
		},
	}
}

// localFileConn serves the current contents of the file.
type localFileConn struct {
	path        string
	multiValued bool
	separator   string
	log         logger.Logger

	mu      sync.Mutex
	version fileVersion
	file    *secretsFile
}

var _ store.SecretConn = (*localFileConn)(nil)

func newLocalFileConn(fields map[string]string, log logger.Logger) *localFileConn {
	c := &localFileConn{
		path: store.Field(fields, "secretsFile"), multiValued: kitstrings.IsTruthy(store.Field(fields, "multiValued")),
		separator: store.Field(fields, "nestedSeparator"), log: log,
	}
	if c.separator == "" {
		c.separator = ":"
	}
	return c
}

func (c *localFileConn) Get(_ context.Context, name string) (map[string]string, error) {
	file, err := c.current()
	if err != nil {
		// While the file cannot be read or is not valid, the store counts as down.
		return nil, store.Failed(err)
	}
	if fault, ok := file.faults[name]; ok {
		return nil, store.Unable(fault.remedy(name))
	}
	entries, ok := file.secrets[name]
	if !ok {
		return nil, store.Absent()
	}
	return entries, nil
}

func (c *localFileConn) Close() error { return nil }

// current returns the contents of the file. It reads the file again if it has changed since
// the last read. The result is never modified.
func (c *localFileConn) current() (*secretsFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	version, err := versionOf(c.path)
	if err != nil {
		return nil, err
	}
	if c.file != nil && version == c.version {
		return c.file, nil
	}
	if !version.mode.IsRegular() {
		return nil, store.Permanent(credential.Remedy("the secrets file is not a regular file"))
	}
	// A file that changes while it is read is read again, a few times.
	for range 5 {
		file, err := c.load()
		after, statErr := versionOf(c.path)
		if statErr != nil {
			return nil, statErr
		}
		if version != after {
			version = after
			continue
		}
		if err != nil {
			return nil, err
		}
		c.version, c.file = version, file
		for _, warning := range file.warnings(c.separator) {
			c.log.Warn("secretstores.local.file: " + warning)
		}
		return file, nil
	}
	return nil, credential.Remedy("the secrets file keeps changing while it is read")
}

func (c *localFileConn) load() (*secretsFile, error) {
	text, err := store.ReadSmall(c.path, store.MaxSecretsFile)
	if errors.Is(err, store.ErrFileTooLarge) {
		return nil, store.Permanent(credential.Remedy("the secrets file is larger than 16 MiB"))
	}
	if err != nil {
		return nil, store.Explained("the secrets file cannot be read", err)
	}
	file, err := readSecretsFile(text, c.multiValued, c.separator)
	if err != nil {
		return nil, store.Permanent(err)
	}
	return file, nil
}

// fileVersion changes when the file or the folder changes.
type fileVersion struct {
	mode     fs.FileMode
	inode    uint64
	size     int64
	modified time.Time
	changed  time.Time // status change time: it changes even if a tool restores the old modification time
}

// swapReads is how often a file is looked up before it counts as missing. Kubernetes swaps a
// mounted folder by changing a link (..data), and then removes the old target. A reader that
// followed the old link finds nothing.
const swapReads = 4

// statSettled returns a file's info. It tries again if the file is missing, because its folder
// may be in the middle of a swap.
func statSettled(path string) (info os.FileInfo, err error) {
	for range swapReads {
		if info, err = os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return info, err
}

func versionOf(path string) (fileVersion, error) {
	info, err := statSettled(path)
	if err != nil {
		return fileVersion{}, err
	}
	v := fileVersion{mode: info.Mode(), size: info.Size(), modified: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		v.inode, v.changed = sys.Ino, statusChange(sys)
	}
	return v, nil
}
