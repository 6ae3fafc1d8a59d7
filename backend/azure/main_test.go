package azure

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

// world is what the tests of this package reach: Azure by a proxy, and the endpoint of a virtual
// machine, which no proxy may have a part in.
var world *azuretest.Cloud

// machine answers at 169.254.169.254. Nil: nothing answers there.
var machine atomic.Pointer[http.Handler]

// inWorld is the test program with its world. net/http and crypto/x509 read the environment once.
type inWorld struct{ *testing.M }

// Run implements goleak.TestingM.
func (w inWorld) Run() int {
	folder, err := os.MkdirTemp("", "azure")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if world, err = azuretest.Start(folder); err != nil {
		panic(err)
	}
	defer world.Close()
	local := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*machine.Load()).ServeHTTP(w, r) }))
	defer local.Close()
	for name, value := range map[string]string{
		"HTTPS_PROXY": world.Proxy, "HTTP_PROXY": world.Proxy, "NO_PROXY": "", "no_proxy": "", "https_proxy": "", "http_proxy": "",
		"SSL_CERT_FILE": world.Certificate,
	} {
		_ = os.Setenv(name, value)
	}
	transport := http.DefaultTransport.(*http.Transport)
	dial, ended := transport.DialContext, make(chan struct{})
	defer close(ended) // net/http goes on dialling after a request has ended
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		switch {
		case !strings.HasPrefix(address, "169.254.169.254:"):
			return dial(ctx, network, address)
		case machine.Load() == nil:
			select {
			case <-ctx.Done():
			case <-ended:
			}
			return nil, context.DeadlineExceeded
		}
		return dial(ctx, network, local.Listener.Addr().String())
	}
	return w.M.Run()
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(inWorld{m}) }

// lonely removes every identity from the environment of the test, and everything that an earlier
// test has set in the world.
func lonely(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range []string{"AZURE_", "IDENTITY_", "IMDS_", "MSI_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "")
			}
		}
	}
	t.Setenv("PATH", t.TempDir()) // no az
	world.Entra.Reset()
	world.Vault.Reset()
	world.Vault.Empty()
	machine.Store(nil)
}

// onMachine lets a handler answer at the address of a virtual machine's endpoint.
func onMachine(t *testing.T, handler http.HandlerFunc) {
	t.Helper()
	var h http.Handler = handler
	machine.Store(&h)
	t.Cleanup(func() { machine.Store(nil) })
}

// withSecret are the fields of a client secret, and of the vault.
func withSecret(changes ...string) map[string]string {
	fields := map[string]string{
		"vaultName": azuretest.VaultName, "azureTenantId": azuretest.Tenant, "azureClientId": "app", "azureClientSecret": "canary-secret",
	}
	for n := 0; n < len(changes); n += 2 {
		store.SetField(fields, changes[n], changes[n+1])
	}
	return fields
}

// connect connects to a store. It closes the store at the end of the test.
func connect[C io.Closer](t *testing.T, of store.Type[C], fields map[string]string) (C, error) {
	t.Helper()
	require.NoError(t, of.Prepare(fields))
	conn, err := of.Connect(t.Context(), fields, storetest.DevNull(t))
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}

// connected connects to the vault.
func connected(t *testing.T, fields map[string]string) store.SecretConn {
	t.Helper()
	conn, err := connect(t, KeyVault(), fields)
	require.NoError(t, err)
	return conn
}
