package credential

import "errors"

// Remedy is what is wrong with a store, and what to do about it, in words of ours. It holds no
// value and no reference, so it may stand in a log at any level, and on the command line; it
// may name what is the operator's own, such as a file or an entry, so that it is not for an
// application. A store's error may wrap one.
type Remedy string

// Error implements error.
func (r Remedy) Error() string { return string(r) }

// RemedyOf returns the remedy that an error wraps; "" if it wraps none.
func RemedyOf(err error) string {
	var remedy Remedy
	errors.As(err, &remedy)
	return string(remedy)
}
