package azure

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// certificateIdentity is a client certificate. Its file is replaced before the certificate ends.
type certificateIdentity struct {
	settings identitySettings
	options  azidentity.ClientCertificateCredentialOptions
	file     *rereading // nil: the certificate is in the metadata

	mu    sync.Mutex
	data  string // of the last certificate
	found azcore.TokenCredential
}

var _ azcore.TokenCredential = (*certificateIdentity)(nil)

const errCertificate = credential.Remedy("the client certificate cannot be used: it must be a PEM or a PFX with an RSA private key, and " +
	"azureCertificatePassword must fit. A PFX with SHA-256 or AES cannot be read: use a PEM, or openssl pkcs12 -export -legacy")

func newCertificateIdentity(s identitySettings, options azidentity.ClientCertificateCredentialOptions) *certificateIdentity {
	c := &certificateIdentity{settings: s, options: options}
	if s.CertificateFile != "" {
		c.file = &rereading{path: s.CertificateFile, most: store.MaxCertificateFile, unreadable: "azureCertificateFile cannot be read"}
	}
	return c
}

// GetToken implements azcore.TokenCredential.
func (c *certificateIdentity) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	found, err := c.current()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	token, err := found.GetToken(ctx, options)
	if c.file != nil {
		err = c.file.excuse(err)
	}
	return token, err
}

// current returns the identity of the certificate as it is now. A new file that cannot be used is
// ignored while there is an older certificate: it may be half written.
func (c *certificateIdentity) current() (azcore.TokenCredential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	data := []byte(c.settings.Certificate)
	if c.file != nil {
		read, err := c.file.read()
		if err != nil {
			return nil, err
		}
		data = read
	}
	if c.found != nil && string(data) == c.data {
		return c.found, nil
	}
	found, err := c.parsed(data)
	switch {
	case err == nil:
		c.data, c.found = string(data), homeTenant{found}
	case c.found == nil:
		return nil, store.Unavailable(errCertificate)
	default:
		c.file.fail(store.Unavailable(errCertificate))
	}
	return c.found, nil
}

func (c *certificateIdentity) parsed(data []byte) (azcore.TokenCredential, error) {
	chain, key, err := parseCertificate(data, c.settings.CertificatePassword)
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(c.settings.TenantID, c.settings.ClientID, chain, key, &c.options)
}

// parseCertificate parses a PEM, a PFX, or the base64 of a PFX: metadata are texts.
func parseCertificate(data []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(data))); err == nil {
		data = decoded
	}
	return azidentity.ParseCertificates(data, []byte(password))
}
