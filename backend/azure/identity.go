package azure

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// The methods of contrib's Azure authentication.
const (
	bySecret          = "clientcredentials"
	byCertificate     = "clientcertificate"
	byWorkload        = "workloadidentity"
	byManagedIdentity = "managedidentity"
	byCLI             = "commandlineinterface"
	byNothing         = "none"
)

// methodNames returns the methods by all their names.
func methodNames() map[string]string {
	return map[string]string{
		bySecret: bySecret, "creds": bySecret,
		byCertificate: byCertificate, "cert": byCertificate,
		byWorkload: byWorkload, "wi": byWorkload,
		byManagedIdentity: byManagedIdentity, "mi": byManagedIdentity,
		byCLI: byCLI, "cli": byCLI,
		byNothing: byNothing,
	}
}

// method returns the method that a name means; "" for none that is supported.
func method(name string) (found string, spiffe bool) {
	return methodNames()[name], name == "spiffeworkloadidentity" || name == "spiffe"
}

// methods returns the names in azureAuthMethods.
func (s identitySettings) methods() []string {
	var names []string
	for name := range strings.SplitSeq(strings.ToLower(s.Methods), ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

const errNoMethod = credential.Remedy("azureAuthMethods allows no method for which the metadata or the environment have the settings")

// newIdentity returns the chain of the methods that are set up, in contrib's order or that of
// azureAuthMethods. The first one that gets a token is used from then on.
func newIdentity(s identitySettings, options policy.ClientOptions) (azcore.TokenCredential, error) {
	names := s.methods()
	if len(names) == 0 {
		names = []string{bySecret, byCertificate, byWorkload, byManagedIdentity, byCLI}
	}
	var sources []azcore.TokenCredential
	for _, name := range names {
		known, _ := method(name)
		source, err := newSource(known, s, options)
		switch {
		case err != nil:
			return nil, err
		case source != nil:
			sources = append(sources, source)
		}
	}
	if len(sources) == 0 {
		return nil, store.Permanent(errNoMethod)
	}
	return azidentity.NewChainedTokenCredential(sources, nil)
}

// newSource returns the identity of one method; nil if the method is not set up.
func newSource(method string, s identitySettings, options policy.ClientOptions) (azcore.TokenCredential, error) {
	switch {
	case method == bySecret && s.ClientSecret != "":
		found, err := azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, s.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
		if err != nil {
			return nil, store.Permanent(errClient)
		}
		return found, nil
	case method == byCertificate && (s.Certificate != "" || s.CertificateFile != ""):
		return &certificateIdentity{settings: s, options: options}, nil
	case method == byWorkload:
		found, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options})
		if err != nil { // the environment has none
			return nil, nil //nolint:nilnil // nil: not set up
		}
		return found, nil
	case method == byManagedIdentity:
		o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
		if s.ClientID != "" {
			o.ID = azidentity.ClientID(s.ClientID)
		}
		found, err := azidentity.NewManagedIdentityCredential(o)
		if err != nil {
			return nil, store.Permanent(errManaged)
		}
		return &impatient{TokenCredential: found}, nil
	case method == byCLI:
		found, err := azidentity.NewAzureCLICredential(nil)
		if err != nil {
			return nil, nil //nolint:nilnil // nil: not set up
		}
		return found, nil
	}
	return nil, nil //nolint:nilnil // nil: not set up
}

const (
	errClient  = credential.Remedy("azureTenantId is not the ID or a domain of a tenant")
	errManaged = credential.Remedy("the environment variables of a managed identity contradict each other")
)

// managedIdentityTimeout limits the first requests for a token of a managed identity. Where there is
// none, nothing answers.
const managedIdentityTimeout = time.Second

// impatient is a managed identity that counts as unavailable until its endpoint has answered once.
type impatient struct {
	azcore.TokenCredential

	mu       sync.Mutex
	answered bool
}

// GetToken implements azcore.TokenCredential.
func (i *impatient) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	i.mu.Lock()
	answered := i.answered
	i.mu.Unlock()
	if answered {
		return i.TokenCredential.GetToken(ctx, options)
	}
	limited, cancel := context.WithTimeout(ctx, managedIdentityTimeout)
	defer cancel()
	token, err := i.TokenCredential.GetToken(limited, options)
	if limited.Err() != nil {
		return azcore.AccessToken{}, azidentity.NewCredentialUnavailableError("managed identity: no answer")
	}
	i.mu.Lock()
	i.answered = true
	i.mu.Unlock()
	return token, err
}

// certificateIdentity is a client certificate. It reads its file again for each token, because the file
// is replaced before the certificate ends.
type certificateIdentity struct {
	settings identitySettings
	options  policy.ClientOptions

	mu    sync.Mutex
	data  []byte // of the last certificate
	found azcore.TokenCredential
}

var _ azcore.TokenCredential = (*certificateIdentity)(nil)

const (
	errCertificate     = credential.Remedy("the client certificate cannot be used: it must be a PFX or PEM with an RSA private key, and certificatePassword must fit")
	errCertificateFile = credential.Remedy("azureCertificateFile cannot be read")
)

// GetToken implements azcore.TokenCredential.
func (c *certificateIdentity) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	found, err := c.current()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return found.GetToken(ctx, options)
}

// current returns the identity of the certificate as it is now. If the file cannot be read, it is that
// of the last one.
func (c *certificateIdentity) current() (azcore.TokenCredential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	data := []byte(c.settings.Certificate)
	if c.settings.CertificateFile != "" {
		read, err := os.ReadFile(c.settings.CertificateFile)
		switch {
		case err != nil && c.found != nil:
			return c.found, nil
		case err != nil:
			return nil, store.Unavailable(store.Explained(errCertificateFile, errors.Unwrap(err)))
		}
		data = read
	}
	if c.found != nil && bytes.Equal(data, c.data) {
		return c.found, nil
	}
	chain, key, err := azidentity.ParseCertificates(data, []byte(c.settings.CertificatePassword))
	if err != nil {
		return nil, store.Unavailable(errCertificate)
	}
	found, err := azidentity.NewClientCertificateCredential(c.settings.TenantID, c.settings.ClientID, chain, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: c.options})
	if err != nil {
		return nil, store.Unavailable(errCertificate)
	}
	c.data, c.found = data, found
	return found, nil
}
