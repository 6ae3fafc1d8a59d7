package pluggable

import (
	"io"
	"sync"

	"github.com/dapr/kit/logger"
)

// refCounted is an open store that counts its running calls. Once it is retired, it closes
// when its last call has ended.
type refCounted[T io.Closer] struct {
	store  T
	log    logger.Logger
	closed func() // called once, when the store has closed

	mu      sync.Mutex
	calls   int
	retired bool
}

// acquire adds a call. The store must not be retired.
func (r *refCounted[T]) acquire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
}

// release removes a call.
func (r *refCounted[T]) release() {
	r.mu.Lock()
	r.calls--
	last := r.retired && r.calls == 0
	r.mu.Unlock()
	if last {
		r.close()
	}
}

// retire closes the store when its last call has ended. It is called once, after the instance
// has let go of the store, so that no more calls come. It may be called on nil.
func (r *refCounted[T]) retire() {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.retired = true
	idle := r.calls == 0
	r.mu.Unlock()
	if idle {
		r.close()
	}
}

// close closes the store in the background: neither an Init nor the answer to a call waits
// for a store that closes slowly. It recovers a panic, which would end the process.
func (r *refCounted[T]) close() {
	go func() {
		defer r.closed()
		defer func() {
			if cause := recover(); cause != nil {
				r.log.Errorf("a store panicked while it closed (%T)", cause)
			}
		}()
		if err := r.store.Close(); err != nil {
			r.log.Warnf("a store did not close cleanly (%T)", err)
		}
	}()
}
