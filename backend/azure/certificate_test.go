package azure

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
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
	s, err := store.Decode[identitySettings](fields)
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

func TestFilesOfAnIdentityAreReadAgain(t *testing.T) {
	for name, setUp := range map[string]struct {
		fields  func(file string) []string
		content func(t *testing.T) string
		remedy  string
	}{
		"a certificate": {
			func(file string) []string { return []string{"azureClientSecret", "", "azureCertificateFile", file} }, rsaCertificate, "azureCertificateFile cannot be read",
		},
		"a token of a service account": {
			func(file string) []string {
				return []string{"azureClientSecret", "", "azureClientId", "", "azureTenantId", "", "file", file}
			},
			func(t *testing.T) string { t.Helper(); return "canary-" + rsaCertificate(t)[100:120] }, "AZURE_FEDERATED_TOKEN_FILE cannot be read",
		},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			file := filepath.Join(t.TempDir(), "file")
			t.Setenv(tokenFile, file)
			t.Setenv(clientID, "app")
			t.Setenv(tenantID, azuretest.Tenant)
			fields := withSecret(setUp.fields(file)...)
			delete(fields, "file")

			_, err := connect(t, KeyVault(), fields)
			storetest.RequireKind(t, credential.Unavailable, err)
			require.Contains(t, credential.RemedyOf(err), setUp.remedy)
			require.NotContains(t, errors.Unwrap(err).Error(), file)

			storetest.ReplaceFile(t, file, setUp.content(t))
			world.Entra.Live(1) // so that the SDK does not keep a token
			identity := identified(t, fields)
			proof := func() string {
				_, err := identity.GetToken(t.Context(), tokenOptions("https://vault.azure.net/.default", true))
				require.NoError(t, err)
				_, _, form := world.Entra.Asked()
				return form.Get("client_assertion")
			}
			first := keyOf(t, proof())
			storetest.ReplaceFile(t, file, setUp.content(t))
			second := keyOf(t, proof())
			require.NotEqual(t, first, second)
			require.NoError(t, os.Remove(file))
			require.Equal(t, second, keyOf(t, proof()))

			world.Entra.Refuse(http.StatusUnauthorized, aadsts("invalid_client", 700024))
			_, err = identity.GetToken(t.Context(), tokenOptions("https://vault.azure.net/.default", true))
			storetest.RequireKind(t, credential.Unavailable, err, "the file may have a new one")
			require.Contains(t, credential.RemedyOf(err), setUp.remedy)
			storetest.ReplaceFile(t, file, setUp.content(t))
			_, err = identity.GetToken(t.Context(), tokenOptions("https://vault.azure.net/.default", true))
			storetest.RequireKind(t, credential.Denied, err)
			world.Entra.Reset()
			world.Entra.Live(1)
			second = keyOf(t, proof())
			storetest.ReplaceFile(t, file, "")
			if name == "a certificate" {
				require.Equal(t, second, keyOf(t, proof()), "half a file")
			}
		})
	}
}

func TestIrregularFilesOfAnIdentityAreNotRead(t *testing.T) {
	lonely(t)
	for _, file := range append(storetest.Irregular(t), storetest.Huge(t)) {
		_, err := connect(t, KeyVault(), withSecret("azureClientSecret", "", "azureCertificateFile", file))
		storetest.RequireKind(t, credential.Unavailable, err)
	}
	_, err := connect(t, KeyVault(), withSecret("azureClientSecret", "", "azureCertificateFile", storetest.FileWith(t, "canary")))
	storetest.RequireKind(t, credential.Unavailable, err)
	require.Contains(t, credential.RemedyOf(err), "the client certificate cannot be used")
}
