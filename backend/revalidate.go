package backend

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// maxKept is how many bytes the configs take that a store keeps for revalidation. keptOverhead is
// what a config takes beside its own bytes.
const (
	maxKept      = 8 << 20
	keptOverhead = 256
)

// keptConfigs are the configs of a store that were read last, with their ETags, so that a config that
// has not changed is not sent again. It is not a cache: the store itself proves at each reading that
// the kept config is still the stored one. It is safe for concurrent use.
type keptConfigs struct {
	mu    sync.Mutex
	byKey *simplelru.LRU[string, keptConfig]
	size  int // of all configs, in bytes
}

type keptConfig struct {
	etag string
	data []byte // never changed
	size int    // in bytes, with the overhead
}

func newKeptConfigs() *keptConfigs {
	k := &keptConfigs{}
	byKey, err := simplelru.NewLRU(maxKept/keptOverhead, func(_ string, c keptConfig) { k.size -= c.size })
	if err != nil {
		panic(err) // only for a size below one
	}
	k.byKey = byKey
	return k
}

// get reads a config. The store sends it only if it has changed.
func (k *keptConfigs) get(ctx context.Context, from store.Revalidator, key string) ([]byte, error) {
	k.mu.Lock()
	last, _ := k.byKey.Get(key)
	k.mu.Unlock()
	data, etag, err := from.GetUnlessMatch(ctx, key, last.etag)
	switch {
	case errors.Is(err, store.ErrUnchanged):
		return last.data, nil
	case err == nil:
		k.keep(key, keptConfig{etag, data, keptOverhead + len(key) + len(etag) + len(data)})
	case store.Missing(err), errors.Is(err, credential.Denied):
		k.forget(key)
	}
	return data, err
}

// keep keeps a config in the place of the one before.
func (k *keptConfigs) keep(key string, c keptConfig) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byKey.Remove(key)
	if c.etag == "" || c.size > maxKept {
		return
	}
	k.size += c.size
	for k.size > maxKept {
		k.byKey.RemoveOldest()
	}
	k.byKey.Add(key, c)
}

func (k *keptConfigs) forget(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.byKey.Remove(key)
}
