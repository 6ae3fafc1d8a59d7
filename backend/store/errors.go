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

// Failed classifies the failures that every store can have. Everything but running out of
// time counts as Unavailable. So does a local file that we have no permission to read: it
// may be readable again in a moment (DESIGN.md, section 5).
func Failed(err error) error {
	kind := credential.Unavailable
	if errors.Is(err, context.DeadlineExceeded) {
		kind = credential.Timeout
	}
	return &credential.StoreError{Kind: kind, Err: err}
}

// FailedWrite classifies a failure to write a local file. Having no permission to write is
// Denied: it is how folders of configs are protected.
func FailedWrite(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: err}
	}
	return Failed(err)
}

// PermissionDenied tells whether an error is that we have no permission for a local file.
// Some stores keep only the text of an error.
func PermissionDenied(err error) bool {
	return errors.Is(err, fs.ErrPermission) || strings.HasSuffix(err.Error(), syscall.EACCES.Error())
}

// Unanswered says what it means that a store that is asked over HTTP gave no answer;
// err is other without the error that net/http's client wraps its failures in. It
// is taken out of that, since the URL holds the name of the secret.
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

// Unavailable is a failure that is not the secret's.
func Unavailable(err error) error {
	return &credential.StoreError{Kind: credential.Unavailable, Err: err}
}

// Absent says that a store has no such config or secret.
func Absent() error {
	return &credential.StoreError{Kind: credential.NotFound, Err: errAbsent}
}

var errAbsent = errors.New("not there")

// Missing tells whether a store's error says that it has no such config or secret.
func Missing(err error) bool { return err != nil && credential.KindOf(err) == credential.NotFound }

// Unable says that a store cannot do what it was asked for.
func Unable(why error) error {
	return &credential.StoreError{Kind: credential.FailedPrecondition, Err: why}
}

// PermanentError is a failure to connect that no retry mends.
type PermanentError struct{ err error }

func (e *PermanentError) Error() string { return e.err.Error() }

func (e *PermanentError) Unwrap() error { return e.err }

// Permanent marks a failure to connect that no retry mends.
func Permanent(err error) error { return &PermanentError{err} }

// Explained returns an error with what to do about it, in words of ours.
func Explained(remedy credential.Remedy, err error) error { return &explainedError{remedy, err} }

type explainedError struct {
	remedy credential.Remedy
	err    error
}

func (e *explainedError) Error() string { return string(e.remedy) + ": " + e.err.Error() }

func (e *explainedError) Unwrap() []error { return []error{e.remedy, e.err} }
