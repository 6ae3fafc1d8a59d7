package pluggable

import (
	"io"
	"sync"

	"github.com/dapr/kit/logger"
)

// held counts the calls on a store, so that it closes when the last has ended.
type held[T io.Closer] struct {
	store   T
	log     logger.Logger
	closing *sync.WaitGroup // counts what is being closed

	mu      sync.Mutex
	calls   int
	retired bool
}

// acquire counts a call in; false if the store takes no more.
func (h *held[T]) acquire() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retired {
		return false
	}
	h.calls++
	return true
}

// release counts a call out.
func (h *held[T]) release() {
	h.mu.Lock()
	h.calls--
	last := h.retired && h.calls == 0
	h.mu.Unlock()
	if last {
		h.close()
	}
}

// retire lets no more calls in. It may be called on nil, and more than once.
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

// close closes the store, beside whoever gave it up: neither an Init nor the
// answer to a call waits for a store that is slow to close. A panic in it would
// end the process.
func (h *held[T]) close() {
	h.closing.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				h.log.Errorf("a store panicked as it closed (%T)", cause)
			}
		}()
		if err := h.store.Close(); err != nil {
			h.log.Warnf("a store did not close cleanly (%T)", err)
		}
	})
}
