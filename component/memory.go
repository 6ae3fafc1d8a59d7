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

// memory is what the process remembers besides its instances: an edited Component,
// and one that was idle, are new instances on the same stores.
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

// close ends what goes on beside the instances.
func (m *memory) close() { m.caches.clear() }

// knownOf returns what is remembered of a store of secrets (DESIGN.md, section 4,
// step 8), which its type and all its fields tell from others.
func (m *memory) knownOf(object store.Spec) *resolver.Known {
	return m.known.of(object.Type, object.Fields, resolver.NewKnown)
}

// cacheOf returns the finished credentials of a Component, which its name and all its
// metadata tell from others: under other metadata they may be others. A new one begins
// with the last good answers of an earlier process, which answers keeps; nil: with none.
func (m *memory) cacheOf(
	component string, properties map[string]string, o cache.Options, answers *pluggable.AnswerStore,
) *cache.Cache {
	cache := m.caches.of(component, properties, func() *keptCache { return newKeptCache(o, answers) })
	cache.restore()
	return cache.Cache
}

// Of so many stores, and of so many Components' credentials, something is remembered
// beside the instances that have it; the longest unused go first.
const (
	maxRemembered = 100
	maxCaches     = 4
)

// byContent keeps a T for each content, of which it keeps a hash alone.
type byContent[T any] struct {
	mu   sync.Mutex
	kept *simplelru.LRU[[sha256.Size]byte, T]
}

// newByContent keeps size of them; gone is told of those that go, if it is not nil.
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

// clear forgets all.
func (b *byContent[T]) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept.Purge()
}

// of returns the T of a name and its fields; fresh makes one that is new.
func (b *byContent[T]) of(name string, fields map[string]string, fresh func() T) T {
	text, err := json.Marshal([]any{name, fields}) // the fields in their order
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
