package client

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// ErrResolution is in every failure of this package: credential resolution failed.
var ErrResolution = errors.New("credential resolution failed")

// What a failure means (DESIGN.md, section 5): errors.Is finds one of them in every
// [Error], but for one that the caller's own context cancelled. Each has
// ErrResolution in it.
var (
	// ErrInvalid is a malformed GUID, or a field that the credential does not have.
	ErrInvalid = errorOf(credential.InvalidRequest)
	// ErrNotFound is that there is no such credential, or a secret of it is missing.
	ErrNotFound = errorOf(credential.NotFound)
	// ErrPrecondition is what stands as it is until somebody changes it: a config that
	// cannot be resolved, a value of another kind, a Component that is not there.
	ErrPrecondition = errorOf(credential.FailedPrecondition)
	// ErrDenied is a refusal: by a store, by daprd's scopes, or by us.
	ErrDenied = errorOf(credential.Denied)
	// ErrUnavailable is a store, or daprd, that is down or not connected yet.
	ErrUnavailable = errorOf(credential.Unavailable)
	// ErrTimeout is that time ran out.
	ErrTimeout = errorOf(credential.Timeout)
	// ErrTooLarge is an answer over daprd's limit of 4 MiB.
	ErrTooLarge = errorOf(credential.TooLarge)
	// ErrInternal is anything else.
	ErrInternal = errorOf(credential.Internal)
)

// ErrNoStore is that daprd has no secret store, or no binding, of the name. Such a
// failure is ErrPrecondition too.
var ErrNoStore error = kind("no such store")

// kind is what a failure means, by name.
type kind string

// errorOf returns the error of a kind.
func errorOf(k credential.Kind) error { return kind(k.Error()) }

func (k kind) Error() string { return string(k) }
func (kind) Unwrap() error   { return ErrResolution }

// Error is a failure of one call. Its text may be logged: it holds fixed words, the
// GUID and names of fields and Components, and never a value, a reference, a path or a
// store's own words.
type Error struct {
	// Code is the failure's gRPC code: the component's where it answered (DESIGN.md,
	// section 5), else daprd's, or what the words of the two are known to mean.
	Code codes.Code
	// GUID is the credential's; "" where none is concerned, or it is malformed.
	GUID string
	// Store is the Component that was asked, of a failure that is not a credential's;
	// else "".
	Store string
	// Reason is the fixed words.
	Reason string

	noStore bool
	ended   error         // why the caller's context ended, if that is it
	detail  func() string // a function, which no print form looks into; nil for none
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

// Detail returns what daprd said, for a log at debug level; "" if it said nothing that
// the text lacks. It may hold names of secrets, paths, and a store's own words.
func (e *Error) Detail() string {
	if e.detail == nil {
		return ""
	}
	return e.detail()
}

// Retryable tells whether the same call may succeed later.
func (e *Error) Retryable() bool {
	return credential.KindOfGRPCCode(uint32(e.Code)).Retryable()
}

// Unwrap returns what the failure means, for errors.Is.
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

// Retryable tells whether err is an [Error] of a call that may succeed later.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable()
}

// meaningOf returns what a gRPC code means; nil for a call that its caller cancelled.
func meaningOf(c codes.Code) error {
	switch c {
	case codes.Canceled:
		return nil
	case codes.Unauthenticated: // daprd's, or another component's
		return ErrDenied
	default:
		return errorOf(credential.KindOfGRPCCode(uint32(c)))
	}
}
