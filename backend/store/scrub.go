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

// MinScrubbed is the shortest metadata value that Scrub takes out: a shorter one
// would tear words apart and keep no secret.
const MinScrubbed = 4

// Scrub returns the text of a store's error without the values of its metadata,
// which may be passwords. A refusal of a file is words of ours, for the person who
// has to mend it.
func Scrub(err error, fields map[string]string) error {
	var remedy credential.Remedy
	if errors.As(err, &remedy) && string(remedy) == err.Error() {
		return remedy
	}
	text := err.Error()
	var store *credential.StoreError // whose text is fixed words
	if errors.As(err, &store) && store.Err != nil {
		text = store.Err.Error()
	}
	for _, value := range slices.SortedFunc(maps.Values(fields), longestFirst) {
		if len(value) >= MinScrubbed {
			text = strings.ReplaceAll(text, value, "[redacted]")
		}
	}
	return errors.New(text)
}

func longestFirst(a, b string) int { return len(b) - len(a) }

// safeWords says why a store could not connect in words that hold no address and no
// metadata: ours, the operating system's, or fixed ones.
func safeWords(err error) string {
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
		return "it refuses us"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "timed out"
	default:
		return "see the log at debug level"
	}
}
