package check

import lru "github.com/hashicorp/golang-lru/v2"

// owner is a secret that was the first with a value.
type owner struct{ guid, store, secret string }

// sharedValues finds values that several secrets have. It holds hashes, and no value.
type sharedValues struct {
	owners   map[uint64]owner // by the hash of the value
	compared *lru.Cache[owner, struct{}]
	full     bool // a value was not remembered
}

func newSharedValues() *sharedValues {
	compared, err := lru.New[owner, struct{}](maxRemembered)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &sharedValues{owners: map[uint64]owner{}, compared: compared}
}

// add adds the values of a secret that a credential uses. It returns the first secret with one of
// these values, if that is another one. Each secret is compared once.
func (s *sharedValues) add(guid, store, secret string, hashes []uint64) (first owner, shared bool) {
	if seen, _ := s.compared.ContainsOrAdd(owner{"", store, secret}, struct{}{}); seen {
		return owner{}, false
	}
	for _, hash := range hashes {
		of, ok := s.owners[hash]
		switch {
		case ok && (of.store != store || of.secret != secret) && !shared:
			first, shared = of, true
		case !ok && len(s.owners) < maxRemembered:
			s.owners[hash] = owner{guid, store, secret}
		case !ok:
			s.full = true
		}
	}
	return first, shared
}
