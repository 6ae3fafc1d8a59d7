package component

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// code returns the gRPC code of a kind of failure (DESIGN.md, section 5).
func code(k credential.Kind) codes.Code { return codes.Code(k.GRPCCode()) }

// asError returns err as a [credential.Error], which every error here should be. Any other
// error becomes one of kind Internal. Nil stays nil.
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
