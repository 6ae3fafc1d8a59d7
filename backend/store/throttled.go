package store

import (
	"errors"
	"time"
)

// throttled is the refusal of a store that says when it may be asked again.
type throttled struct {
	error

	after time.Duration
}

func (t *throttled) Unwrap() error { return t.error }

// Throttled adds the time after which the store may be asked again to its error, as an HTTP
// server says it in Retry-After. A retry waits that long. If that is longer than the time of one
// attempt, there is no retry.
func Throttled(err error, after time.Duration) error { return &throttled{err, after} }

// retryAfter returns the time of Throttled, or 0.
func retryAfter(err error) time.Duration {
	var t *throttled
	if errors.As(err, &t) {
		return t.after
	}
	return 0
}
