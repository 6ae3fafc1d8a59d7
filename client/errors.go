package client

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// ErrResolution is wrapped by every error of this package: credential resolution failed.
var ErrResolution = errors.New("credential resolution failed")

// The kinds of failure (DESIGN.md, section 5). errors.Is matches every [Error] with one of
// them, except an error from the cancellation of the caller's own context. Each wraps
// ErrResolution.
var (
	// ErrInvalid means a malformed GUID, or a field that the credential does not have.
	ErrInvalid = errorOf(credential.InvalidRequest)
	// ErrNotFound means that the credential does not exist, or that a secret of it is missing.
	ErrNotFound = errorOf(credential.NotFound)
	// ErrPrecondition means that a retry cannot help until somebody changes something: a config
	// that cannot be resolved, a value of another kind, a Component that does not exist.
	ErrPrecondition = errorOf(credential.FailedPrecondition)
	// ErrDenied means that a store, daprd's scopes, or the component refused the request.
	ErrDenied = errorOf(credential.Denied)
	// ErrUnavailable means that a store, or daprd, is down or not connected yet.
	ErrUnavailable = errorOf(credential.Unavailable)
	// ErrTimeout means that the request ran out of time.
	ErrTimeout = errorOf(credential.Timeout)
	// ErrTooLarge means that the answer is over daprd's limit of 4 MiB.
	ErrTooLarge = errorOf(credential.TooLarge)
	// ErrInternal means any other failure.
	ErrInternal = errorOf(credential.Internal)
)

// ErrNoStore means that daprd has no secret store, or no binding, with the name. Such a failure
// also matches ErrPrecondition.
var ErrNoStore error = kind("no such store")

// kind is a kind of failure, by name.
type kind string

// errorOf returns the error for a kind.
func errorOf(k credential.Kind) error { return kind(k.Error()) }

func (k kind) Error() string { return string(k) }
func (kind) Unwrap() error   { return ErrResolution }

// Error is a failure of one call. Its text may be logged. It contains fixed words, the GUID,
// and the names of fields and Components. It never contains a value, a reference, a path or a
// store's own words.
type Error struct {
	// Code is the gRPC code: the component's if it answered (DESIGN.md, section 5), else
	// daprd's, or the code that a known text of either stands for.
	Code codes.Code
	// GUID is the credential's GUID; "" if the failure is not about a credential, or the GUID
	// is malformed.
	GUID string
	// Store is the Component that was asked, for a failure that is not about a credential; else
	// "".
	Store string
	// Reason is the failure in fixed words.
	Reason string

	noStore bool
	ended   error         // why the caller's context ended; nil if that is not the reason
	detail  func() string // a function, so that no print verb shows the text; nil for none
}

// Error implements error.
func (e *Error) Error() string {
	subject := "credential"
	switch {
	case e.GUID != "":
		subject += " " + credential.QuoteName(e.GUID)
	case e.Store != "":
		subject = "store " + credential.QuoteName(e.Store)
	}
	return ErrResolution.Error() + ": " + e.Code.String() + ": " + subject + ": " + e.Reason
}

// Format prints the text for every verb.
func (e *Error) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.Error()) }

// Detail returns daprd's own text, for a log at debug level; "" if the failure has none. It may
// contain secret names, paths, and a store's own words.
func (e *Error) Detail() string {
	if e.detail == nil {
		return ""
	}
	return e.detail()
}

// Retryable reports whether the same call may succeed later.
func (e *Error) Retryable() bool {
	return credential.KindOfGRPCCode(uint32(e.Code)).Retryable()
}

// Unwrap returns the kinds of the failure, for errors.Is.
func (e *Error) Unwrap() []error {
	errs := []error{ErrResolution}
	if meaning := meaningOf(e.Code); meaning != nil {
		errs = append(errs, meaning)
	}
	if e.noStore {
		errs = append(errs, ErrNoStore)
	}
	if e.ended != nil {
		errs = append(errs, e.ended)
	}
	return errs
}

// Retryable reports whether err is an [Error], and the same call may succeed later.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable()
}

// meaningOf returns the error that a gRPC code stands for; nil for a call that its caller
// cancelled.
func meaningOf(c codes.Code) error {
	switch c {
	case codes.Canceled:
		return nil
	case codes.Unauthenticated: // from daprd or another component
		return ErrDenied
	default:
		return errorOf(credential.KindOfGRPCCode(uint32(c)))
	}
}
