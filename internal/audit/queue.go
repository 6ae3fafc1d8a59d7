package audit

import (
	"context"
	"sync"
	"sync/atomic"
)

// The bounds of the lines that wait to be written. Further ones are lost.
const (
	maxQueued = 8192
	maxBytes  = 16 << 20
)

// Receipt tells whether lines were written. A request that has several lines, such as a bulk
// request, has one receipt for all of them. The zero value has no lines yet.
type Receipt struct {
	lost atomic.Bool
	done chan struct{} // closed once the last line is written or lost; nil: nobody waits
}

// settle marks a line as written or lost. last says that it is the receipt's last line.
func (r *Receipt) settle(written, last bool) {
	if r == nil {
		return
	}
	if !written {
		r.lost.Store(true)
	}
	if last && r.done != nil {
		close(r.done)
	}
}

// await waits until the last line is written, and reports whether all lines were.
func (r *Receipt) await(ctx context.Context) error {
	select {
	case <-r.done:
	case <-ctx.Done():
		return errNotWritten
	}
	if r.lost.Load() {
		return errNotWritten
	}
	return nil
}

// queued is a record in the queue.
type queued struct {
	record  Record
	receipt *Receipt
	last    bool // of its receipt
}

// queue holds the records that the writer has not taken yet.
type queue struct {
	wake chan struct{} // holds a signal while there is something to take

	mu     sync.Mutex
	items  []queued
	bytes  int
	other  struct{ lines, bytes int } // that the writer has taken, but not written
	lost   int                        // since the last take
	closed bool
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// add adds a record, or loses it if the queue is full or closed. It never waits.
func (q *queue) add(item queued) {
	weight := item.record.weight()
	q.mu.Lock()
	full := q.closed || len(q.items)+q.other.lines >= maxQueued || q.bytes+q.other.bytes+weight > maxBytes
	first := len(q.items) == 0 && q.lost == 0
	if full {
		q.lost++
	} else {
		q.items = append(q.items, item)
		q.bytes += weight
	}
	q.mu.Unlock()
	if full {
		item.receipt.settle(false, item.last)
	}
	if first {
		q.signal()
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns all records, the number of those that were lost after them, and whether the queue
// is closed. used is the slice of the last take, to be used again. The records count as waiting
// until the next call of keep.
func (q *queue) take(used []queued) (items []queued, lost int, closed bool) {
	clear(used)
	q.mu.Lock()
	defer q.mu.Unlock()
	items, lost = q.items, q.lost
	q.other.lines += len(items)
	q.other.bytes += q.bytes
	q.items, q.bytes, q.lost = used[:0], 0, 0
	return items, lost, q.closed
}

// keep says how many lines the writer still has of all that it has taken.
func (q *queue) keep(lines, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.other.lines, q.other.bytes = lines, bytes
}

// close makes add lose every further record.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}
