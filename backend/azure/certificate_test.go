package azure

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"
)

// rsaCertificate returns a new certificate with its key, as one PEM.
func rsaCertificate(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: serial, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// keyOf returns what tells the key of an assertion: its header, which has the certificate's
// thumbprint. The assertion of a service account is itself.
func keyOf(t *testing.T, assertion string) string {
	t.Helper()
	header, _, signed := strings.Cut(assertion, ".")
	if !signed {
		return assertion
	}
	text, err := base64.RawURLEncoding.DecodeString(header)
	require.NoError(t, err)
	return string(text)
}

// identified returns the identity of fields, without a store.
func identified(t *testing.T, fields map[string]string) azcore.TokenCredential {
	t.Helper()
	s, err := decode[identitySettings](fields)
	require.NoError(t, err)
	c := newClient(s, false)
	t.Cleanup(func() { _ = c.Close() })
	found, err := c.identify(t.Context(), s, "https://vault.azure.net/.default")
	require.NoError(t, err)
	return found
}

func tokenOptions(scope string, cae bool) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: cae}
}
