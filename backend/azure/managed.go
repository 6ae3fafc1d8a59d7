package azure

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// hosted reports whether the environment names the endpoint of a managed identity: App Service,
// Container Apps, Azure Arc, Cloud Shell.
func hosted() bool {
	return os.Getenv("IDENTITY_ENDPOINT") != "" || os.Getenv("IMDS_ENDPOINT") != "" || os.Getenv("MSI_ENDPOINT") != ""
}

const (
	// instanceMetadata is the endpoint of the managed identities of virtual machines and AKS.
	instanceMetadata = "http://169.254.169.254/metadata/identity/oauth2/token"
	// probeTimeout limits the search for instanceMetadata. Where there is none, nothing answers.
	probeTimeout = time.Second
)

// managedIdentity is an identity of the machine. It looks for the endpoint before its first request,
// because a request for a token takes longer than the search may take.
type managedIdentity struct {
	azcore.TokenCredential

	transport policy.Transporter

	mu    sync.Mutex
	found bool
}

var _ azcore.TokenCredential = (*managedIdentity)(nil)

func newManagedIdentity(s identitySettings, options policy.ClientOptions) (*managedIdentity, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	if s.ClientID != "" {
		o.ID = azidentity.ClientID(s.ClientID)
	}
	found, err := azidentity.NewManagedIdentityCredential(o)
	return &managedIdentity{TokenCredential: found, transport: options.Transport, found: hosted()}, err
}

// GetToken implements azcore.TokenCredential.
func (m *managedIdentity) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	m.mu.Lock()
	found := m.found
	m.mu.Unlock()
	if !found {
		if err := m.search(ctx); err != nil {
			return azcore.AccessToken{}, err
		}
		m.mu.Lock()
		m.found = true
		m.mu.Unlock()
	}
	return m.TokenCredential.GetToken(ctx, options)
}

// search sends a request without the header that the endpoint asks for. Any answer counts.
func (m *managedIdentity) search(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, instanceMetadata, nil)
	if err != nil {
		return err
	}
	response, err := m.transport.Do(request)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.Body.Close()
}
