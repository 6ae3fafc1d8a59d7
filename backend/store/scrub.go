package store

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"credential-resolver/resolver/credential"
)

// MinScrubbed is the shortest metadata value, in bytes, that Scrub removes. Shorter values are
// no secrets, and removing them would break words apart.
const MinScrubbed = 4

// Scrub returns the text of a store's error without the values of the store's metadata, which
// may be passwords. A [credential.Remedy] is returned unchanged: it is our own text and tells
// a person what to fix. The kind of a [credential.StoreError] stays.
func Scrub(err error, fields map[string]string) error {
	var remedy credential.Remedy
	if errors.As(err, &remedy) && string(remedy) == err.Error() {
		return remedy
	}
	text := err.Error()
	var store *credential.StoreError // its own text is fixed, so the cause says more
	if errors.As(err, &store) && store.Err != nil {
		text = store.Err.Error()
	}
	for _, value := range slices.SortedFunc(maps.Values(fields), longestFirst) {
		if len(value) >= MinScrubbed {
			text = strings.ReplaceAll(text, value, "[redacted]")
		}
	}
	if store != nil {
		return scrubbed{text, store.Kind}
	}
	return errors.New(text)
}

// scrubbed is the text of an error with its kind.
type scrubbed struct {
	text string
	kind credential.Kind
}

// Error returns the text.
func (s scrubbed) Error() string { return s.text }

// Unwrap returns the kind.
func (s scrubbed) Unwrap() error { return s.kind }

func longestFirst(a, b string) int { return len(b) - len(a) }

// SafeWords returns why a store could not connect, in words that contain no address and no
// metadata: our own, the operating system's or fixed ones.
func SafeWords(err error) string {
	var errno syscall.Errno
	switch remedy := credential.RemedyOf(err); {
	case remedy != "":
		if errors.As(err, &errno) {
			remedy += ": " + errno.Error()
		}
		return remedy
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, credential.Denied):
		return "access denied"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	default:
		return "see the log at debug level"
	}
}
