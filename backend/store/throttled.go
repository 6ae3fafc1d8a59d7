package store

import (
	"errors"
	"strconv"
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

// MaxRetryAfter is longer than any call may wait.
const MaxRetryAfter = time.Hour

// ThrottledBy is Throttled with the value of an HTTP header Retry-After, in seconds. It returns err if
// the value is not such a number.
func ThrottledBy(err error, header string) error {
	seconds, notNumber := strconv.Atoi(header)
	if notNumber != nil || seconds <= 0 {
		return err
	}
	return Throttled(err, time.Duration(min(seconds, int(MaxRetryAfter/time.Second)))*time.Second)
}

// retryAfter returns the time of Throttled, or 0.
func retryAfter(err error) time.Duration {
	var t *throttled
	if errors.As(err, &t) {
		return t.after
	}
	return 0
}
