package check

import lru "github.com/hashicorp/golang-lru/v2"

// storedSecret is a secret in the store with a label.
type storedSecret struct{ store, name string }

// owner is the first secret with a value, and the first credential that uses it.
type owner struct {
	guid   string
	secret storedSecret
}

// sharedValues finds values that several secrets have. It holds hashes, and no value.
type sharedValues struct {
	owners   map[uint64]owner // by the hash of the value
	compared *lru.Cache[storedSecret, struct{}]
	full     bool // a value was not remembered
}

func newSharedValues() *sharedValues {
	return &sharedValues{owners: map[uint64]owner{}, compared: newMemory[storedSecret, struct{}]()}
}

// add adds the values of a secret that a credential uses. It returns the first secret with one of
// these values, if that is another one. Each secret is compared once.
func (s *sharedValues) add(guid string, secret storedSecret, hashes []uint64) (first owner, shared bool) {
	if seen, _ := s.compared.ContainsOrAdd(secret, struct{}{}); seen {
		return owner{}, false
	}
	for _, hash := range hashes {
		of, ok := s.owners[hash]
		switch {
		case ok && of.secret != secret && !shared:
			first, shared = of, true
		case !ok && len(s.owners) < maxRemembered:
			s.owners[hash] = owner{guid, secret}
		case !ok:
			s.full = true
		}
	}
	return first, shared
}
