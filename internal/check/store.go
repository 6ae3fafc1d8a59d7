package check

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"credential-resolver/backend"
	"credential-resolver/component"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// maxRemembered limits how many names, and how many values, a check remembers of each store.
const maxRemembered = 100_000

// maxOutages is how many calls to a store may fail in a row, before the store counts as down.
const maxOutages = 3

// outages counts the calls to a store that failed in a row, and not because of what they asked for.
type outages struct {
	mu   sync.Mutex
	n    int
	last error // of these calls
}

// down returns the last failure, if the store counts as down.
func (o *outages) down() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n < maxOutages {
		return nil
	}
	return o.last
}

// ended records the result of a call.
func (o *outages) ended(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if isTrouble(err) {
		o.n, o.last = o.n+1, err
	} else {
		o.n = 0
	}
}

// watchedConfigs is a config store that is not asked any more once it is down.
type watchedConfigs struct {
	resolver.ConfigStore
	outages outages
}

// Config implements resolver.ConfigStore.
func (w *watchedConfigs) Config(ctx context.Context, guid string) ([]byte, error) {
	if err := w.outages.down(); err != nil {
		return nil, err
	}
	text, err := w.ConfigStore.Config(ctx, guid)
	w.outages.ended(err)
	return text, err
}

// watchedSecrets is a secret store that remembers which names have no secret or are refused, and
// hashes of values. It is not asked any more once it is down.
type watchedSecrets struct {
	component.Secrets
	versions resolver.Versioner // the store, if it may keep versions; nil otherwise
	outages  outages
	seed     maphash.Seed                     // of names
	failed   *lru.Cache[uint64, error]        // by the hash of a name
	values   *lru.Cache[uint64, []uint64]     // the hashes of values, by the hash of a name
	hash     func(value string) (hash uint64) // the same for all stores
}

var (
	_ component.Secrets  = (*watchedSecrets)(nil)
	_ resolver.Versioner = (*watchedSecrets)(nil)
)

func watch(store component.Secrets, hash func(string) uint64) *watchedSecrets {
	w := &watchedSecrets{
		Secrets: store, seed: maphash.MakeSeed(), hash: hash,
		failed: newMemory[uint64, error](), values: newMemory[uint64, []uint64](),
	}
	w.versions, _ = store.(resolver.Versioner)
	return w
}

// newMemory returns a map that forgets what was not used for the longest time.
func newMemory[K comparable, V any]() *lru.Cache[K, V] {
	memory, err := lru.New[K, V](maxRemembered)
	if err != nil {
		panic(err) // only for a size below one
	}
	return memory
}

// Secret implements resolver.SecretStore.
func (w *watchedSecrets) Secret(ctx context.Context, name string) (map[string]string, error) {
	entries, err := w.ask(w.key(name, ""), func() (map[string]string, error) { return w.Secrets.Secret(ctx, name) })
	if err == nil {
		w.values.Add(w.key(name, ""), w.hashes(entries))
	}
	return entries, err
}

// SecretVersion implements resolver.Versioner.
func (w *watchedSecrets) SecretVersion(ctx context.Context, name, version string) (map[string]string, error) {
	return w.ask(w.key(name, version), func() (map[string]string, error) {
		return w.versions.SecretVersion(ctx, name, version)
	})
}

// CheckVersion implements resolver.Versioner.
func (w *watchedSecrets) CheckVersion(version string) error {
	if w.versions == nil {
		return resolver.ErrNoVersions
	}
	return w.versions.CheckVersion(version)
}

func (w *watchedSecrets) ask(key uint64, ask func() (map[string]string, error)) (map[string]string, error) {
	if err, ok := w.failed.Get(key); ok {
		return nil, err
	}
	if err := w.outages.down(); err != nil {
		return nil, err
	}
	entries, err := ask()
	w.outages.ended(err)
	if err != nil && !isTrouble(err) {
		w.failed.Add(key, err)
	}
	return entries, err
}

// key returns the hash of a name. Names of missing secrets may be passwords.
func (w *watchedSecrets) key(name, version string) uint64 {
	var h maphash.Hash
	h.SetSeed(w.seed)
	_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(name))))
	_, _ = h.WriteString(name)
	_, _ = h.WriteString(version)
	return h.Sum64()
}

// minCompared is the minimum length of a value that is compared with those of other secrets, in
// bytes: a short one is the same by chance, or no secret.
const minCompared = 8

// hashes returns the hashes of the entries that are secrets: the only entry, or those whose names
// say so.
func (w *watchedSecrets) hashes(data map[string]string) []uint64 {
	entries, err := credential.Entries(data)
	if err != nil {
		return nil
	}
	var hashes []uint64
	for name, v := range entries.All() {
		text, ok := v.Text()
		if ok && len(text) >= minCompared && (entries.Len() == 1 || secretField(name) || isSecretText(text)) {
			hashes = append(hashes, w.hash(text))
		}
	}
	return hashes
}

// hashesOf returns the hashes of the values of a secret that was read.
func (w *watchedSecrets) hashesOf(name string) []uint64 {
	hashes, _ := w.values.Get(w.key(name, ""))
	return hashes
}

// failedStore is a secret store that could not be opened. It only knows its names and versions.
type failedStore struct {
	*backend.SecretNames
	err error
}

// Secret implements resolver.SecretStore. It always fails.
func (f failedStore) Secret(context.Context, string) (map[string]string, error) { return nil, f.err }

// SecretVersion implements resolver.Versioner. It always fails.
func (f failedStore) SecretVersion(context.Context, string, string) (map[string]string, error) {
	return nil, f.err
}
