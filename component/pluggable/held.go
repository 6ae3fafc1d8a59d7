package pluggable

import (
	"io"
	"sync"

	"github.com/dapr/kit/logger"
)

// held counts the running calls on a store. Once the store is retired, it closes when its
// last call has ended.
type held[T io.Closer] struct {
	store   T
	log     logger.Logger
	closing *sync.WaitGroup // counts the stores that are closing

	mu      sync.Mutex
	calls   int
	retired bool
}

// acquire adds a call. It returns false if the store is retired.
func (h *held[T]) acquire() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retired {
		return false
	}
	h.calls++
	return true
}

// release removes a call.
func (h *held[T]) release() {
	h.mu.Lock()
	h.calls--
	last := h.retired && h.calls == 0
	h.mu.Unlock()
	if last {
		h.close()
	}
}

// retire lets no more calls in, and closes the store when its last call has ended. It may be
// called on nil, and more than once.
func (h *held[T]) retire() {
	if h == nil {
		return
	}
	h.mu.Lock()
	idle := !h.retired && h.calls == 0
	h.retired = true
	h.mu.Unlock()
	if idle {
		h.close()
	}
}

// close closes the store in the background: neither an Init nor the answer to a call waits
// for a store that closes slowly. It recovers a panic, which would end the process.
func (h *held[T]) close() {
	h.closing.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				h.log.Errorf("a store panicked while it closed (%T)", cause)
			}
		}()
		if err := h.store.Close(); err != nil {
			h.log.Warnf("a store did not close cleanly (%T)", err)
		}
	})
}
