package resolver

import (
	"hash/maphash"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxKnown bounds how many names are remembered; the longest unused go first.
const maxKnown = 100_000

// Known remembers the names that were secrets of one store, by a hash, so that one
// that vanishes is an error and not a literal (section 4, step 8). It is safe for
// concurrent use, and may outlive a resolver.
type Known struct {
	seed  maphash.Seed
	names *lru.Cache[uint64, struct{}]
}

// NewKnown returns a memory without any name.
func NewKnown() *Known {
	names, err := lru.New[uint64, struct{}](maxKnown)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Known{seed: maphash.MakeSeed(), names: names}
}

func (k *Known) add(name string) { k.names.Add(maphash.String(k.seed, name), struct{}{}) }

func (k *Known) has(name string) bool {
	_, ok := k.names.Get(maphash.String(k.seed, name))
	return ok
}
