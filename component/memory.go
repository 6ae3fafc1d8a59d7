package component

import (
	"crypto/sha256"
	"encoding/json"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"credential-resolver/backend/store"
	"credential-resolver/component/pluggable"
	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
)

// memory holds what the process remembers independently of its instances. A Component that
// was edited, or that was idle, becomes a new instance on the same stores.
type memory struct {
	known  *byContent[*resolver.Known]
	caches *byContent[*keptCache]
}

func newMemory() *memory {
	return &memory{
		known:  newByContent[*resolver.Known](maxRemembered, nil),
		caches: newByContent(maxCaches, (*keptCache).Close),
	}
}

// close stops the background work of the caches.
func (m *memory) close() { m.caches.clear() }

// knownOf returns the names that have been secrets of a secret store (DESIGN.md, section 4,
// step 8). Specs with the same type and the same fields share them.
func (m *memory) knownOf(object store.Spec) *resolver.Known {
	return m.known.of(object.Type, object.Fields, resolver.NewKnown)
}

// cacheOf returns the cache of finished credentials for a Component's name and metadata.
// Other metadata may give other credentials, so it has a cache of its own. A new cache is
// filled with the last good answers of an earlier process, from answers. Nil: it starts empty.
func (m *memory) cacheOf(
	component string, properties map[string]string, o cache.Options, answers *pluggable.AnswerStore,
) *cache.Cache {
	cache := m.caches.of(component, properties, func() *keptCache { return newKeptCache(o, answers) })
	cache.restore()
	return cache.Cache
}

// The bounds of the memory, as numbers of stores and of Components. The least recently used
// are evicted first.
const (
	maxRemembered = 100
	maxCaches     = 4
)

// byContent is an LRU map from a name and fields to a T. It stores only a hash of them.
type byContent[T any] struct {
	mu   sync.Mutex
	kept *simplelru.LRU[[sha256.Size]byte, T]
}

// newByContent returns a map for at most size entries. gone is called for each entry that is
// removed. Nil: no call.
func newByContent[T any](size int, gone func(T)) *byContent[T] {
	kept, err := simplelru.NewLRU(size, func(_ [sha256.Size]byte, one T) {
		if gone != nil {
			gone(one)
		}
	})
	if err != nil {
		panic(err) // only for a size below one
	}
	return &byContent[T]{kept: kept}
}

// clear removes all entries.
func (b *byContent[T]) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept.Purge()
}

// values returns all entries.
func (b *byContent[T]) values() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept.Values()
}

// of returns the T for a name and its fields. If it has none, fresh makes one.
func (b *byContent[T]) of(name string, fields map[string]string, fresh func() T) T {
	text, err := json.Marshal([]any{name, fields}) // sorts the fields by name
	if err != nil {
		return fresh()
	}
	key := sha256.Sum256(text)
	b.mu.Lock()
	defer b.mu.Unlock()
	kept, ok := b.kept.Get(key)
	if !ok {
		kept = fresh()
		b.kept.Add(key, kept)
	}
	return kept
}
