package pluggable_test

import (
	"bufio"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
	daprdbindings "github.com/dapr/dapr/pkg/components/bindings"
	"github.com/dapr/kit/logger"

	"credential-resolver/component/pluggable"
)

// asker is an output binding that calls a secret store of its daprd.
type asker struct {
	stores *pluggable.SecretStores[secretstores.SecretStore]
	store  string
}

var _ bindings.OutputBinding = (*asker)(nil)

func (a *asker) Init(_ context.Context, meta bindings.Metadata) error {
	a.store = meta.Properties["store"]
	if a.store == "" {
		return errors.New("metadata store is missing")
	}
	return nil
}

func (a *asker) Invoke(ctx context.Context, req *bindings.InvokeRequest) (*bindings.InvokeResponse, error) {
	var resp bindings.InvokeResponse
	err := a.stores.Use(ctx, a.store, func(store secretstores.SecretStore) error {
		secret, err := store.GetSecret(ctx, secretstores.GetSecretRequest{Name: string(req.Data)})
		resp.Data, resp.Metadata = []byte(secret.Data["echo"]), secret.Data
		return err
	})
	return &resp, err
}

func (*asker) Operations() []bindings.OperationKind {
	return []bindings.OperationKind{"ask"}
}

func (*asker) GetComponentMetadata() metadata.MetadataMap { return nil }

func (*asker) Close() error { return nil }

func newAsker(stores *pluggable.SecretStores[secretstores.SecretStore]) bindings.OutputBinding {
	return &asker{stores: stores}
}

// bind connects as daprd does when it loads a binding Component.
func bind(t *testing.T, s *running, component string, properties map[string]string) bindings.OutputBinding {
	t.Helper()
	b, err := tryBind(t, s, component, properties)
	require.NoError(t, err)
	return b
}

func tryBind(t *testing.T, s *running, component string, properties map[string]string) (bindings.OutputBinding, error) {
	t.Helper()
	b := daprdbindings.NewGRPCOutputBinding(logger.NewLogger("daprd"), s.socket)
	err := b.Init(t.Context(), bindings.Metadata{Base: metadata.Base{Name: component, Properties: properties}})
	t.Cleanup(func() { _ = b.Close() })
	return b, err
}

func ask(b bindings.OutputBinding) (*bindings.InvokeResponse, error) {
	return b.Invoke(context.Background(), &bindings.InvokeRequest{Operation: "ask", Data: []byte("hello")})
}

func TestABindingUsesASecretStoreOfItsDaprd(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	initialise(t, s, "credentials", map[string]string{"say": "hi"})
	b := bind(t, s, "save", map[string]string{"store": "credentials"})

	assert.Equal(t, []bindings.OperationKind{"ask"}, b.Operations())
	resp, err := ask(b)
	require.NoError(t, err)
	assert.Equal(t, "HELLO", string(resp.Data))
	assert.Equal(t, "hi", resp.Metadata["property.say"])
}

func TestABindingDoesNotSeeTheStoresOfAnotherDaprd(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	other := pluggable.StartChild(t, "daprd", s.socket, "credentials")
	_, err := bufio.NewReader(other.Stdout).ReadString('\n')
	require.NoError(t, err)
	b := bind(t, s, "save", map[string]string{"store": "credentials"})

	_, err = ask(b)
	assert.Equal(t, codes.Unavailable, status.Code(err))

	initialise(t, s, "ours", nil)
	_, err = ask(b)
	assert.Equal(t, codes.FailedPrecondition, status.Code(err))
	assert.ErrorContains(t, err, `no Component "credentials"`)
	assert.ErrorContains(t, err, "it has: ours")
}

func TestABindingWhoseInitFails(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	_, err := tryBind(t, s, "save", nil)
	assert.Equal(t, codes.InvalidArgument, status.Code(err))
	assert.ErrorContains(t, err, "metadata store is missing")
}

func TestABindingAndItsStoreOutliveTheProcess(t *testing.T) {
	m := newMachine(t)
	start := func() *running {
		return serve(t, &echoes{}, func(o *pluggable.Options) {
			o.SocketFolder, o.StateFolder = m.sockets, m.state
		})
	}
	first := start()
	initialise(t, first, "both", nil)
	b := bind(t, first, "both", map[string]string{"store": "both"})
	first.stop()
	start()

	// The old connection is closed. gRPC dials again by itself.
	require.Eventually(t, func() bool {
		resp, err := ask(b)
		return err == nil && string(resp.Data) == "HELLO"
	}, patience, tick)
}

func TestABindingKeepsNoStoreOpen(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	c := initialise(t, s, "credentials", nil)
	b := bind(t, s, "save", map[string]string{"store": "credentials"})
	_, err := ask(b)
	require.NoError(t, err)

	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return stores.open() == 0 }, patience, tick)
	_, err = ask(b)
	require.NoError(t, err, "the Component may be idle; it is opened again")
}
