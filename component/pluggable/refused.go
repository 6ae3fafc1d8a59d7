package pluggable

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

// RefusedCall is a call that reached no secret store and no binding.
type RefusedCall struct {
	// Method is the gRPC method.
	Method string
	// Component is the name that the call has; "" if it has none, or nothing of it was read.
	Component string
	// Key is the key of a request for one secret, as it was sent; else "".
	Key string
	// Code is the code of the answer.
	Code codes.Code
	// Stranger says that the user may not call at all.
	Stranger bool
}

// unserved is the error of a call that reached no instance. It has a gRPC status.
type unserved struct{ error }

// GRPCStatus tells gRPC and package status what the status is.
func (u unserved) GRPCStatus() *status.Status { return status.Convert(u.error) }

// Unwrap returns the status.
func (u unserved) Unwrap() error { return u.error }

// reportUnserved is a [grpc.UnaryServerInterceptor] that reports calls that reached no
// instance. Init, and what daprd asks about a store, are not requests.
func (s *Server[S]) reportUnserved(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	answer, err := handle(ctx, req)
	if err == nil || s.opts.Refused == nil {
		return answer, err
	}
	var none unserved
	if !errors.As(err, &none) {
		return answer, err
	}
	call := RefusedCall{Method: info.FullMethod, Code: status.Code(err)}
	switch req := req.(type) {
	case *proto.GetSecretRequest:
		call.Key = req.GetKey()
	case *proto.BulkGetSecretRequest, *proto.InvokeRequest:
	default:
		return answer, err
	}
	_, call.Component, _ = caller(ctx)
	s.opts.Refused(ctx, call)
	return answer, err
}
