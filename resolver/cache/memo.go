package cache

import "sync/atomic"

// Memo keeps what callers make of a cached credential, such as its encoding for the wire:
// a credential in use is encoded once, and not for each answer. It is safe for concurrent
// use.
type Memo struct {
	slots [memoSlots]atomic.Pointer[[]byte]
}

const (
	memoSlots = 2        // how many things a Memo keeps
	maxMemo   = 64 << 10 // how large they may be, in bytes
)

// Get returns what is kept in a slot, 0 or 1. Else it makes it, and keeps it if that
// succeeds and it is not large. Nobody may change what Get returns. A nil Memo keeps
// nothing.
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
