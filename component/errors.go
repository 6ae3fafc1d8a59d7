package component

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// code is the one table from kinds of failure to gRPC codes (DESIGN.md, section 5).
func code(k credential.Kind) codes.Code {
	switch k {
	case credential.InvalidRequest:
		return codes.InvalidArgument
	case credential.NotFound:
		return codes.NotFound
	case credential.FailedPrecondition:
		return codes.FailedPrecondition
	case credential.Denied:
		return codes.PermissionDenied
	case credential.Unavailable:
		return codes.Unavailable
	case credential.Timeout:
		return codes.DeadlineExceeded
	case credential.TooLarge:
		return codes.ResourceExhausted
	default:
		return codes.Internal
	}
}

// asError returns a failure as one of the domain, which every one should be; nil for nil.
func asError(err error) *credential.Error {
	if err == nil {
		return nil
	}
	var e *credential.Error
	if !errors.As(err, &e) {
		return &credential.Error{
			Kind: credential.Internal, Reason: credential.ReasonInternal,
			Cause: fmt.Errorf("a failure without a kind (%T)", err), // its text may be anything
		}
	}
	return e
}
