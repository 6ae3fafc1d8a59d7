package cache

import "sync/atomic"

// Memo keeps encodings of a cached credential, so that a credential in regular use is encoded
// once and not for each answer. It is safe for concurrent use.
type Memo struct {
	slots [memoSlots]atomic.Pointer[[]byte]
}

const (
	memoSlots = 2        // number of slots
	maxMemo   = 64 << 10 // maximum size of the content of a slot, in bytes
)

// Get returns the content of a slot, 0 or 1. If the slot is empty, it calls make, and keeps
// the result if that succeeds and is not large. Do not change the bytes that Get returns. A
// nil Memo keeps nothing.
func (m *Memo) Get(slot int, make func() ([]byte, error)) ([]byte, error) {
	if m == nil {
		return make()
	}
	if kept := m.slots[slot].Load(); kept != nil {
		return *kept, nil
	}
	made, err := make()
	if err == nil && len(made) <= maxMemo {
		m.slots[slot].Store(&made)
	}
	return made, err
}
