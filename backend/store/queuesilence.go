package store

import (
	"time"

	"credential-resolver/resolver/credential"
)

// errSilent is the failure of a call that waited while the store answered nobody.
var errSilent = credential.Remedy("it has not answered any call for a while")

// answered notes that the store has answered a call after a time.
func (q *queue) answered(took time.Duration, now time.Time) {
	q.heard = now
	if q.typical == 0 {
		q.typical = took
		return
	}
	q.typical += (took - q.typical) / 8
}

// hangsFor tells whether the store hangs, as far as a waiting call can know: for as long as
// the call and its retries may take, no call was answered.
func (q *queue) hangsFor(w *waiter, now time.Time) bool {
	silence := q.silence
	if !w.deadline.IsZero() {
		silence = min(silence, max(q.timeout, w.deadline.Sub(w.arrived)))
	}
	return now.Sub(q.heard) >= silence
}

// hangs is hangsFor, for a call that was admitted.
func (q *queue) hangs(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hangsFor(w, time.Now())
}

// refusal is the failure of a call that has waited in vain. The store is to blame if it
// hangs: the breaker must see that also while more calls wait than can be made.
func (q *queue) refusal(w *waiter, now time.Time) error {
	if q.hangsFor(w, now) {
		return &credential.StoreError{Kind: credential.Timeout, Err: errSilent}
	}
	return errOverloaded()
}

// errOverloaded is the failure of a call that was shed.
func errOverloaded() error {
	return &credential.StoreError{Kind: credential.Unavailable, Err: credential.ErrOverloaded}
}
