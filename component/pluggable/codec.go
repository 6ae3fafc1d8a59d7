package pluggable

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	"github.com/dapr/components-contrib/secretstores"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

// Encoder is an optional interface of a secret store that keeps its answers encoded, so that
// no answer is encoded twice.
type Encoder interface {
	// GetEncoded is like GetSecret, but returns the protocol's GetSecretResponse in its wire
	// format. The caller must not change the bytes.
	GetEncoded(ctx context.Context, req secretstores.GetSecretRequest) ([]byte, error)
}

// encoded is a protocol message in its wire format.
type encoded []byte

// codec is gRPC's codec for protocol messages. It passes on encoded messages as they are.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(protocodec.Name)} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if message, ok := v.(encoded); ok {
		return mem.BufferSlice{mem.SliceBuffer(message)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// serviceDesc returns the protocol's description of a secret store. Its handler for Get may
// answer with an encoded message.
func serviceDesc[S secretstores.SecretStore]() *grpc.ServiceDesc {
	desc := proto.SecretStore_ServiceDesc
	desc.Methods = slices.Clone(desc.Methods)
	for i, method := range desc.Methods {
		if method.MethodName == "Get" {
			desc.Methods[i].Handler = handleGet[S]
		}
	}
	return &desc
}

func handleGet[S secretstores.SecretStore](
	srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor, //nolint:revive // gRPC's order
) (any, error) {
	req := new(proto.GetSecretRequest)
	if err := decode(req); err != nil {
		return nil, err
	}
	handle := func(ctx context.Context, req any) (any, error) {
		return srv.(*service[S]).get(ctx, req.(*proto.GetSecretRequest))
	}
	if interceptor == nil {
		return handle(ctx, req)
	}
	return interceptor(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: proto.SecretStore_Get_FullMethodName}, handle)
}

// get is like Get, but answers with the encoded message of a store that is an Encoder.
func (s *service[S]) get(ctx context.Context, req *proto.GetSecretRequest) (any, error) {
	answer, err := call(ctx, s, func(store S) (*encoded, error) {
		encoder, ok := any(store).(Encoder)
		if !ok {
			return nil, nil
		}
		message, err := encoder.GetEncoded(ctx, secretstores.GetSecretRequest{Name: req.GetKey(), Metadata: req.GetMetadata()})
		return (*encoded)(&message), err
	})
	switch {
	case err != nil:
		return nil, err
	case answer == nil:
		return s.Get(ctx, req)
	}
	return *answer, nil
}
