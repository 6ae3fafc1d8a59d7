package gcp

import (
	"io"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

// privateKey is the key of the service account in the tests.
var privateKey, _ = gcptest.NewPrivateKey()

const keyToken = "token-of-key"

// newTokens starts the endpoints for tokens. Its address is https.
func newTokens(t testing.TB) (*gcptest.Tokens, string) {
	t.Helper()
	tokens := &gcptest.Tokens{}
	server := httptest.NewUnstartedServer(tokens)
	server.TLS = authority.Server.Clone()
	server.StartTLS()
	t.Cleanup(server.Close)
	return tokens, server.URL
}

// keyed returns metadata with the key of a service account, whose token is keyToken.
func keyed(t testing.TB, fields map[string]string) map[string]string {
	t.Helper()
	_, address := newTokens(t)
	all := map[string]string{
		"project_id": gcptest.Project, "type": "service_account", "private_key_id": "canary-id", "private_key": privateKey,
		"client_email": "canary@my-project.iam.gserviceaccount.com", "token_uri": address + "/token",
	}
	for name, value := range fields {
		all[name] = value
	}
	return all
}

// connected connects to a store, and closes it at the end of the test.
func connected[C io.Closer](t testing.TB, of store.Type[C], fields map[string]string) C {
	t.Helper()
	require.NoError(t, of.Prepare(fields))
	conn, err := of.Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// newManager starts a Secret Manager, and connects to it with the key of a service account.
func newManager(t *testing.T) (*gcptest.SecretManager, *managerConn) {
	t.Helper()
	m, err := gcptest.NewSecretManager(authority.Server, keyToken)
	require.NoError(t, err)
	t.Cleanup(m.Stop)
	return m, connected(t, SecretManager(), keyed(t, map[string]string{"endpoint": "https://" + m.Address})).(*managerConn)
}
