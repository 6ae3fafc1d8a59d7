package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"credential-resolver/internal/wirelimit"
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
// secret's name. It returns other as Unavailable if err has no such wrapper, or if its text may
// quote the server, whose answer may contain that name too.
func Unanswered(err, other error) error {
	var inURL *url.Error
	if !errors.As(err, &inURL) {
		return Unavailable(other)
	}
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	var network net.Error
	switch {
	case errors.As(err, &network) && network.Timeout():
		return &credential.StoreError{Kind: credential.Timeout, Err: err}
	case quotesNothing(err):
		return Failed(err)
	}
	return Unavailable(other)
}

// unquoting are failures of a request whose text is fixed.
var unquoting = []error{
	context.Canceled, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, http.ErrSchemeMismatch, wirelimit.ErrTooLarge, wirelimit.ErrMalformed,
}

// quotesNothing reports whether the text of a failed request is known to contain nothing from the
// answer. net/http quotes a Location, a status line or a header that it cannot parse, and the words
// of an HTTP/2 server that goes away. The failures of crypto/tls precede the request.
func quotesNothing(err error) bool {
	var (
		remedy  credential.Remedy
		network *net.OpError
		errno   syscall.Errno
	)
	return errors.As(err, &remedy) || errors.As(err, &network) || errors.As(err, &errno) ||
		slices.ContainsFunc(unquoting, func(known error) bool { return errors.Is(err, known) }) ||
		strings.HasPrefix(err.Error(), "tls: ") || strings.HasPrefix(err.Error(), "x509: ")
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
