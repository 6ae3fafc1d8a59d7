package component

import (
	"crypto/sha256"
	"encoding/json"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"credential-resolver/backend"
	"credential-resolver/resolver"
)

// maxStores bounds of how many stores of secrets something is remembered; the
// longest unused go first.
const maxStores = 100

// knownByStore keeps what the process remembers of each store of secrets, so that
// it outlives an edit of the Component, and an instance that was idle (DESIGN.md,
// section 4, step 8).
type knownByStore struct {
	mu    sync.Mutex
	known *simplelru.LRU[[sha256.Size]byte, *resolver.Known]
}

func newKnownByStore() *knownByStore {
	known, err := simplelru.NewLRU[[sha256.Size]byte, *resolver.Known](maxStores, nil)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &knownByStore{known: known}
}

// of returns what is remembered of a store, which its type and all its fields tell
// from others.
func (k *knownByStore) of(store backend.Spec) *resolver.Known {
	text, err := json.Marshal([]any{store.Type, store.Fields}) // fields are sorted
	if err != nil {
		return resolver.NewKnown()
	}
	key := sha256.Sum256(text)
	k.mu.Lock()
	defer k.mu.Unlock()
	known, ok := k.known.Get(key)
	if !ok {
		known = resolver.NewKnown()
		k.known.Add(key, known)
	}
	return known
}
