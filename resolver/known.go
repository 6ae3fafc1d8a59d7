package resolver

import (
	"hash/maphash"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxKnown limits the number of names. The least recently used are forgotten first.
const maxKnown = 100_000

// Known remembers which names have been secrets of one store, as hashes. A known secret that
// disappears is an error and not a literal (section 4, step 8). It is safe for concurrent
// use, and may outlive a resolver.
type Known struct {
	seed  maphash.Seed
	names *lru.Cache[uint64, struct{}]
}

// NewKnown returns a Known without names.
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
