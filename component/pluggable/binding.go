package pluggable

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	sdk "github.com/dapr-sandbox/components-go-sdk/bindings/v1"
	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
)

// SecretStores gives an output binding the secret stores of the daprd that calls it. The
// stores of other daprds are out of reach.
type SecretStores[S secretstores.SecretStore] struct {
	socket    string // the component's name
	instances *instances[S]
}

// Use runs fn with the secret store of the Component called name. The store belongs to the
// daprd that made the call of ctx. Use fails with the gRPC code FailedPrecondition if that
// daprd has secret stores of this type, but none with that name. It fails with Unavailable
// if daprd has not initialised the store. Otherwise it returns fn's error.
func (s *SecretStores[S]) Use(ctx context.Context, name string, fn func(S) error) error {
	c, ok := connectionOf(ctx)
	if !ok {
		return errNoPeer
	}
	if names := s.instances.names(c.peer); len(names) > 0 && !slices.Contains(names, name) {
		return unserved{status.Errorf(codes.FailedPrecondition, "daprd has no Component %q of type secretstores.%s; it has: %s",
			name, s.socket, strings.Join(names, ", "))}
	}
	r, err := s.instances.acquire(ctx, c.peer, nil, name)
	if err != nil {
		return unserved{err}
	}
	defer r.release()
	return fn(r.store)
}

// initOutputBinding makes an output binding and initialises it.
func (s *Server[S]) initOutputBinding(
	ctx context.Context, name string, properties map[string]string,
) (bindings.OutputBinding, error) {
	binding := s.binding(&SecretStores[S]{s.opts.Name, s.stores})
	err := binding.Init(ctx, bindings.Metadata{Base: metadata.Base{Name: name, Properties: properties}})
	if err != nil {
		_ = binding.Close()
		return nil, err
	}
	return binding, nil
}

// outputBinding returns the binding of one call, as components-go-sdk asks for it.
func (s *Server[S]) outputBinding(ctx context.Context) sdk.OutputBinding {
	return &boundBinding{ctx, s.bindings}
}

// boundBinding is the output binding for one call. It forwards to the instance that the call
// is for.
type boundBinding struct {
	ctx       context.Context // for Operations, which gets no context
	instances *instances[bindings.OutputBinding]
}

var _ sdk.OutputBinding = (*boundBinding)(nil)

// Init implements bindings.OutputBinding.
func (b *boundBinding) Init(ctx context.Context, meta bindings.Metadata) error {
	return b.instances.initialiseFor(ctx, meta.Properties)
}

// Invoke implements bindings.OutputBinding.
func (b *boundBinding) Invoke(ctx context.Context, req *bindings.InvokeRequest) (*bindings.InvokeResponse, error) {
	r, err := b.instances.acquireFor(ctx)
	if err != nil {
		return nil, err
	}
	defer r.release()
	resp, err := r.store.Invoke(ctx, req)
	if err != nil {
		return nil, asStatus(err, codes.Unknown)
	}
	return resp, nil
}

// Operations implements bindings.OutputBinding.
func (b *boundBinding) Operations() []bindings.OperationKind {
	r, err := b.instances.acquireFor(b.ctx)
	if err != nil {
		return nil
	}
	defer r.release()
	return r.store.Operations()
}

// GetComponentMetadata implements bindings.OutputBinding. daprd does not call it.
func (b *boundBinding) GetComponentMetadata() metadata.MetadataMap { return nil }

// Close implements bindings.OutputBinding. It does nothing: instances close with their
// connections.
func (b *boundBinding) Close() error { return nil }

// errNoPeer is the error of a call over a connection that this package did not accept.
var errNoPeer = status.Error(codes.Internal, "the connection has no peer")
