package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/components-contrib/secretstores/local/file"
	"github.com/dapr/kit/logger"
	kitstrings "github.com/dapr/kit/strings"
)

// secretsLocalFile is secretstores.local.file: a JSON file. contrib's store
// reads it at Init alone, so a file that has changed gets a new store object.
func secretsLocalFile() storeType[secretConn] {
	return storeType[secretConn]{
		nearby:   true,
		fields:   declaredFields(file.NewLocalSecretStore(nil)),
		required: map[string]string{"secretsFile": "name the JSON file that holds the secrets"},
		connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (secretConn, error) {
			path, _ := metadata.GetMetadataProperty(fields, "secretsFile")
			c := &localFileConn{path: path, fields: fields, log: log}
			if _, err := c.current(ctx); err != nil {
				return nil, err
			}
			return c, nil
		},
	}
}

// localFileConn serves the file as it is now.
type localFileConn struct {
	path   string
	fields map[string]string
	log    logger.Logger

	mu      sync.Mutex
	version fileVersion
	secrets map[string]map[string]string
}

var _ secretConn = (*localFileConn)(nil)

func (c *localFileConn) get(ctx context.Context, name string) (map[string]string, error) {
	secrets, err := c.current(ctx)
	if err != nil {
		// One that has become wrong is a store that is down, until an edit mends it.
		return nil, failed(err)
	}
	entries, ok := secrets[name]
	if !ok {
		return nil, absent()
	}
	return entries, nil
}

func (c *localFileConn) Close() error { return nil }

// current returns the file's secrets, read again if the file is not the one that
// was read last. What it returns is not written to again.
func (c *localFileConn) current(ctx context.Context) (map[string]map[string]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	version, err := versionOf(c.path)
	if err != nil {
		return nil, err
	}
	if c.secrets != nil && version == c.version {
		return c.secrets, nil
	}
	// A file that is written to while it is read is read again, a few times.
	for range 5 {
		secrets, err := c.load(ctx)
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
		c.version, c.secrets = version, secrets
		return secrets, nil
	}
	return nil, errors.New("the file keeps changing while it is read")
}

func (c *localFileConn) load(ctx context.Context) (map[string]map[string]string, error) {
	text, err := os.ReadFile(c.path)
	if err != nil {
		return nil, err
	}
	multiValued, _ := metadata.GetMetadataProperty(c.fields, "multiValued")
	separator, _ := metadata.GetMetadataProperty(c.fields, "nestedSeparator")
	if err := checkSecretsFile(text, kitstrings.IsTruthy(multiValued), separator); err != nil {
		return nil, permanent(err)
	}
	store := file.NewLocalSecretStore(c.log)
	if err := store.Init(ctx, secretstores.Metadata{Base: metadata.Base{Properties: c.fields}}); err != nil {
		if isPathError(err) {
			return nil, err
		}
		return nil, permanent(err)
	}
	resp, err := store.BulkGetSecret(ctx, secretstores.BulkGetSecretRequest{})
	if err != nil {
		return nil, permanent(err)
	}
	return resp.Data, nil
}

func isPathError(err error) bool {
	var pathErr *fs.PathError
	return errors.As(err, &pathErr)
}

// fileVersion is what changes when a file does.
type fileVersion struct {
	inode    uint64
	size     int64
	modified time.Time
	changed  time.Time // its status: also when a tool puts the old time back
}

func versionOf(path string) (fileVersion, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileVersion{}, err
	}
	if !info.Mode().IsRegular() {
		return fileVersion{}, permanent(fmt.Errorf("the secrets file is not a regular file"))
	}
	v := fileVersion{size: info.Size(), modified: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		v.inode, v.changed = sys.Ino, statusChange(sys)
	}
	return v, nil
}
