package clienttest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/components-contrib/secretstores/local/file"
	"github.com/dapr/kit/logger"

	"credential-resolver/resolver/credential"
)

// Configs is a config store in a folder.
type Configs struct {
	*faults

	folder string
	mu     sync.Mutex
}

func newConfigs(folder string) *Configs {
	must(os.Mkdir(folder, 0o700))
	return &Configs{faults: &faults{}, folder: folder}
}

// Put stores a config under a GUID, and replaces an earlier one. The config may be any text.
// Put panics if it fails, as do all methods that change a store.
func (c *Configs) Put(guid, config string) {
	if !credential.ValidGUID(guid) {
		panic("clienttest: " + credential.GUIDRule)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	path := filepath.Join(c.folder, guid+".json")
	must(os.WriteFile(path+".new", []byte(config), 0o600))
	must(os.Rename(path+".new", path))
}

// Delete deletes a config.
func (c *Configs) Delete(guid string) {
	if err := os.Remove(filepath.Join(c.folder, guid+".json")); !errors.Is(err, os.ErrNotExist) {
		must(err)
	}
}

// Secrets is a secret store in a file.
type Secrets struct {
	*faults

	file string

	mu      sync.Mutex
	secrets map[string]map[string]string
	written int
}

func newSecrets(file string) *Secrets {
	s := &Secrets{faults: &faults{}, file: file, secrets: map[string]map[string]string{}}
	s.write()
	return s
}

// Put stores a secret, and replaces an earlier one with that name.
func (s *Secrets) Put(name string, entries map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = maps.Clone(entries)
	s.write()
}

// Delete deletes a secret.
func (s *Secrets) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, name)
	s.write()
}

// write replaces the file with the current secrets. Each file has a modification time in a
// second of its own. Otherwise two files written in quick succession may look the same.
func (s *Secrets) write() {
	text, err := json.Marshal(s.secrets)
	must(err)
	s.written++
	at := time.Unix(int64(s.written), 0)
	must(os.WriteFile(s.file+".new", text, 0o600))
	must(os.Chtimes(s.file+".new", at, at))
	must(os.Rename(s.file+".new", s.file))
}

// get returns a secret in the same way as daprd's own secretstores.local.file.
func (s *Secrets) get(ctx context.Context, key string) (map[string]string, error) {
	if err := s.interfere(ctx); err != nil {
		return nil, err
	}
	store := file.NewLocalSecretStore(logger.NewLogger(product))
	properties := map[string]string{"secretsFile": s.file, "multiValued": "true"}
	if err := store.Init(ctx, secretstores.Metadata{Base: metadata.Base{Properties: properties}}); err != nil {
		return nil, err
	}
	answer, err := store.GetSecret(ctx, secretstores.GetSecretRequest{Name: key})
	return answer.Data, err
}

func must(err error) {
	if err != nil {
		panic("clienttest: " + err.Error())
	}
}
