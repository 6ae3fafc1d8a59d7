package component

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"credential-resolver/backend"
	"credential-resolver/resolver"
)

// memory is what the process remembers besides its instances: an edited Component,
// and one that was idle, are new instances on the same stores.
type memory struct {
	known      *byContent[*resolver.Known]
	dependents *byContent[*dependents]
}

func newMemory() *memory {
	return &memory{
		known:      newByContent(resolver.NewKnown),
		dependents: newByContent(func() *dependents { return newDependents(time.Now) }),
	}
}

// knownOf returns what is remembered of a store of secrets (DESIGN.md, section 4,
// step 8), which its type and all its fields tell from others.
func (m *memory) knownOf(store backend.Spec) *resolver.Known {
	return m.known.of(store.Type, store.Fields)
}

// dependentsOf returns the last good credentials of a Component, which its name and
// all its metadata tell from others: under other metadata they may be others.
func (m *memory) dependentsOf(component string, properties map[string]string) *dependents {
	return m.dependents.of(component, properties)
}

// maxRemembered bounds of how many things something is remembered; the longest
// unused go first.
const maxRemembered = 100

// byContent keeps a T for each content, of which it keeps a hash alone.
type byContent[T any] struct {
	fresh func() T

	mu   sync.Mutex
	kept *simplelru.LRU[[sha256.Size]byte, T]
}

func newByContent[T any](fresh func() T) *byContent[T] {
	kept, err := simplelru.NewLRU[[sha256.Size]byte, T](maxRemembered, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &byContent[T]{fresh: fresh, kept: kept}
}

// of returns the T of a name and its fields.
func (b *byContent[T]) of(name string, fields map[string]string) T {
	text, err := json.Marshal([]any{name, fields}) // the fields in their order
	if err != nil {
		return b.fresh()
	}
	key := sha256.Sum256(text)
	b.mu.Lock()
	defer b.mu.Unlock()
	kept, ok := b.kept.Get(key)
	if !ok {
		kept = b.fresh()
		b.kept.Add(key, kept)
	}
	return kept
}
