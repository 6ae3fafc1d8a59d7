package store

import (
	"time"

	"credential-resolver/resolver/credential"
)

// errSilent is the error of a call that waited while the store answered no call.
var errSilent = credential.Remedy("it has not answered any call for a while")

// answered records that the store has answered a call, and how long the call took.
func (q *queue) answered(took time.Duration, now time.Time) {
	q.heard = now
	if q.typical == 0 {
		q.typical = took
		return
	}
	q.typical += (took - q.typical) / 8
}

// hangsFor reports whether the store seems to hang: it has answered no call for as long as the
// waiting call and its retries may take.
func (q *queue) hangsFor(w *waiter, now time.Time) bool {
	silence := q.silence
	if !w.deadline.IsZero() {
		silence = min(silence, max(q.timeout, w.deadline.Sub(w.arrived)))
	}
	return now.Sub(q.heard) >= silence
}

// hangs is hangsFor for a call that has been admitted.
func (q *queue) hangs(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hangsFor(w, time.Now())
}

// refusal returns the error of a call that waited without success. If the store hangs, the
// error is Timeout, so that the circuit breaker counts it even while the queue is overloaded.
func (q *queue) refusal(w *waiter, now time.Time) error {
	if q.hangsFor(w, now) {
		return &credential.StoreError{Kind: credential.Timeout, Err: errSilent}
	}
	return errOverloaded()
}

// errOverloaded returns the error of a call that was shed.
func errOverloaded() error {
	return &credential.StoreError{Kind: credential.Unavailable, Err: credential.ErrOverloaded}
}
