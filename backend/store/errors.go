package store

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"

	"credential-resolver/resolver/credential"
)

// Failed classifies the failures that every store can have. A deadline that has passed is
// Timeout; everything else is Unavailable. A local file that we have no permission to read is
// Unavailable too, because it may soon be readable again (DESIGN.md, section 5).
func Failed(err error) error {
	kind := credential.Unavailable
	if errors.Is(err, context.DeadlineExceeded) {
		kind = credential.Timeout
	}
	return &credential.StoreError{Kind: kind, Err: err}
}

// FailedWrite classifies a failure to write a local file. A missing permission is Denied,
// because file permissions are how folders of configs are protected.
func FailedWrite(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: err}
	}
	return Failed(err)
}

// PermissionDenied reports whether we have no permission for a local file. It also looks at
// the error's text, because some stores keep nothing else of the error.
func PermissionDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || strings.HasSuffix(err.Error(), syscall.EACCES.Error())
}

// Unanswered classifies the failure of an HTTP request that got no answer. It removes the
// wrapper that net/http's client puts around the error, because the URL in it contains the
// secret's name. It returns other as Unavailable if err has no such wrapper.
func Unanswered(err, other error) error {
	var inURL *url.Error
	if !errors.As(err, &inURL) {
		return Unavailable(other)
	}
	var network net.Error
	if errors.As(inURL.Err, &network) && network.Timeout() {
		return &credential.StoreError{Kind: credential.Timeout, Err: inURL.Err}
	}
	return Failed(inURL.Err)
}

// Unavailable returns an error of kind Unavailable: a failure that is not about the secret
// itself.
func Unavailable(err error) error {
	return &credential.StoreError{Kind: credential.Unavailable, Err: err}
}

// Absent returns the error of a store that has no such config or secret, of kind NotFound.
func Absent() error {
	return &credential.StoreError{Kind: credential.NotFound, Err: errAbsent}
}

var errAbsent = errors.New("it does not exist")

// Missing reports whether an error means that the store has no such config or secret.
func Missing(err error) bool { return err != nil && credential.KindOf(err) == credential.NotFound }

// Unable returns the error of a store that cannot do what it was asked for, of kind
// FailedPrecondition.
func Unable(why error) error {
	return &credential.StoreError{Kind: credential.FailedPrecondition, Err: why}
}

// PermanentError is a failure to connect that a retry cannot fix.
type PermanentError struct{ err error }

func (e *PermanentError) Error() string { return e.err.Error() }

func (e *PermanentError) Unwrap() error { return e.err }

// Permanent marks a failure to connect as one that a retry cannot fix.
func Permanent(err error) error { return &PermanentError{err} }

// Explained adds our own text about what to do to an error.
func Explained(remedy credential.Remedy, err error) error { return &explainedError{remedy, err} }

type explainedError struct {
	remedy credential.Remedy
	err    error
}

func (e *explainedError) Error() string { return string(e.remedy) + ": " + e.err.Error() }

func (e *explainedError) Unwrap() []error { return []error{e.remedy, e.err} }
