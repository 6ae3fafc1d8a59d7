package credential

import (
	"context"
	"errors"
)

// Kind is what a failure means to the caller: the closed set of DESIGN.md, section 5. A Kind
// is an error itself, so that errors.Is(err, NotFound) finds it anywhere in a chain.
type Kind uint8

// The kinds. The zero value is Internal.
const (
	Internal           Kind = iota // a fault of ours
	InvalidRequest                 // a malformed GUID, an unknown request option or field
	NotFound                       // no such credential, bundle or known secret
	FailedPrecondition             // a config that cannot be resolved
	Denied                         // refused, by a store or by us
	Unavailable                    // a store that is down, throttling or not yet connected
	Timeout                        // out of time
	TooLarge                       // an answer over the runtime's limit
)

// kindFacts are what is known of a kind.
type kindFacts struct {
	name      string
	grpcCode  uint32 // its number, since this package does not import gRPC
	retryable bool
}

// facts is the one table of the kinds (DESIGN.md, section 5).
func (k Kind) facts() kindFacts {
	table := [...]kindFacts{
		Internal:           {"internal", 13, false},           // Internal
		InvalidRequest:     {"invalid request", 3, false},     // InvalidArgument
		NotFound:           {"not found", 5, false},           // NotFound
		FailedPrecondition: {"failed precondition", 9, false}, // FailedPrecondition
		Denied:             {"denied", 7, false},              // PermissionDenied
		Unavailable:        {"unavailable", 14, true},         // Unavailable
		Timeout:            {"timeout", 4, true},              // DeadlineExceeded
		TooLarge:           {"too large", 8, false},           // ResourceExhausted
	}
	if int(k) >= len(table) {
		k = Internal
	}
	return table[k]
}

// Error returns the kind's name.
func (k Kind) Error() string { return k.facts().name }

// Retryable tells whether the same request may succeed later.
func (k Kind) Retryable() bool { return k.facts().retryable }

// GRPCCode returns the number of the gRPC code that the kind becomes.
func (k Kind) GRPCCode() uint32 { return k.facts().grpcCode }

// KindOfGRPCCode returns the kind that becomes a gRPC code; Internal if none does.
func KindOfGRPCCode(code uint32) Kind {
	for k := Internal; k <= TooLarge; k++ {
		if k.GRPCCode() == code {
			return k
		}
	}
	return Internal
}

// KindOf returns the kind of an error. An error without a kind counts as Unavailable, so that
// it fails the resolution and never counts as a missing secret.
func KindOf(err error) Kind {
	var (
		ours  *Error
		store *StoreError
		kind  Kind
	)
	switch {
	case errors.As(err, &ours):
		return ours.Kind
	case errors.As(err, &store):
		return store.Kind
	case errors.As(err, &kind):
		return kind
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	default:
		return Unavailable
	}
}
