package pluggable

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	contrib "github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

// instanceHeader is the header in which daprd sends the Component's name with every unary
// call.
const instanceHeader = "x-component-instance"

// service is the gRPC service of a secret store. Each method decodes the request, calls the
// store and encodes the answer.
type service[S secretstores.SecretStore] struct {
	proto.UnimplementedSecretStoreServer

	instances *instances[S]
}

var _ proto.SecretStoreServer = (*service[secretstores.SecretStore])(nil)

// initSecretStore returns a function that makes a secret store and initialises it.
func initSecretStore[S secretstores.SecretStore](newStore func() S) func(
	context.Context, string, map[string]string,
) (S, error) {
	return func(ctx context.Context, name string, properties map[string]string) (S, error) {
		store := newStore()
		err := store.Init(ctx, secretstores.Metadata{Base: contrib.Base{Name: name, Properties: properties}})
		if err != nil {
			_ = store.Close()
			var none S
			return none, err
		}
		return store, nil
	}
}

// Init implements the protocol's SecretStore.
func (s *service[S]) Init(ctx context.Context, req *proto.SecretStoreInitRequest) (*proto.SecretStoreInitResponse, error) {
	if err := s.instances.initialiseFor(ctx, req.GetMetadata().GetProperties()); err != nil {
		return nil, err
	}
	return &proto.SecretStoreInitResponse{}, nil
}

// Features implements the protocol's SecretStore.
func (s *service[S]) Features(ctx context.Context, _ *proto.FeaturesRequest) (*proto.FeaturesResponse, error) {
	return call(ctx, s, func(store S) (*proto.FeaturesResponse, error) {
		resp := &proto.FeaturesResponse{}
		for _, feature := range store.Features() {
			resp.Features = append(resp.Features, string(feature))
		}
		return resp, nil
	})
}

// Get implements the protocol's SecretStore.
func (s *service[S]) Get(ctx context.Context, req *proto.GetSecretRequest) (*proto.GetSecretResponse, error) {
	return call(ctx, s, func(store S) (*proto.GetSecretResponse, error) {
		resp, err := store.GetSecret(ctx, secretstores.GetSecretRequest{Name: req.GetKey(), Metadata: req.GetMetadata()})
		return &proto.GetSecretResponse{Data: resp.Data}, err
	})
}

// BulkGet implements the protocol's SecretStore.
func (s *service[S]) BulkGet(ctx context.Context, req *proto.BulkGetSecretRequest) (*proto.BulkGetSecretResponse, error) {
	return call(ctx, s, func(store S) (*proto.BulkGetSecretResponse, error) {
		resp, err := store.BulkGetSecret(ctx, secretstores.BulkGetSecretRequest{Metadata: req.GetMetadata()})
		if err != nil {
			return nil, err
		}
		data := make(map[string]*proto.SecretResponse, len(resp.Data))
		for name, secrets := range resp.Data {
			data[name] = &proto.SecretResponse{Secrets: secrets}
		}
		return &proto.BulkGetSecretResponse{Data: data}, nil
	})
}

// Ping implements the protocol's SecretStore. daprd never calls it.
func (s *service[S]) Ping(context.Context, *proto.PingRequest) (*proto.PingResponse, error) {
	return &proto.PingResponse{}, nil
}

// call runs fn with the store of the instance that the call is for. Its error is a gRPC
// status.
func call[S secretstores.SecretStore, T any](ctx context.Context, s *service[S], fn func(S) (*T, error)) (*T, error) {
	r, err := s.instances.acquireFor(ctx)
	if err != nil {
		return nil, err
	}
	defer r.release()
	resp, err := fn(r.store)
	if err != nil {
		return nil, asStatus(err, codes.Unknown)
	}
	return resp, nil
}

// caller returns the connection on which a call arrived, and the Component's name. The name
// is empty if the call has none.
func caller(ctx context.Context) (*connection, string, error) {
	c, ok := connectionOf(ctx)
	if !ok {
		return nil, "", errNoPeer
	}
	name := ""
	if values := metadata.ValueFromIncomingContext(ctx, instanceHeader); len(values) > 0 {
		name = values[0]
	}
	return c, name, nil
}

// asStatus converts an error to a gRPC status. It keeps the error's own code, if it has one,
// and uses otherwise if not.
func asStatus(err error, otherwise codes.Code) error {
	var none unserved
	if errors.As(err, &none) {
		return none
	}
	if s, ok := status.FromError(err); ok {
		return s.Err()
	}
	if s := status.FromContextError(err); s.Code() != codes.Unknown {
		return s.Err()
	}
	return status.Error(otherwise, err.Error())
}
