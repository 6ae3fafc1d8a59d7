package azure

import (
	"context"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// source is one method of getting tokens.
type source struct {
	azcore.TokenCredential

	// optional means that the next method is tried where this one is not there. False: its failure is
	// final, because somebody has set it up.
	optional bool
}

// identity gets its tokens by the first of its methods that works, and keeps to that method. The
// SDK's ChainedTokenCredential drops the errors of its methods, and lets requests wait longer than
// their time.
type identity struct {
	sources []source

	mu     sync.Mutex
	chosen azcore.TokenCredential
}

var _ azcore.TokenCredential = (*identity)(nil)

// newIdentity returns the identity with the methods that are set up, in contrib's order or that of
// azureAuthMethods.
func newIdentity(s identitySettings, options policy.ClientOptions) (*identity, error) {
	names := s.methods()
	if len(names) == 0 {
		names = []string{bySecret, byCertificate, byWorkload, byManagedIdentity, byCLI}
		if hosted() {
			names = names[:4]
		}
	}
	i := &identity{}
	for _, name := range names {
		known, _ := method(name)
		found, err := newSource(known, s, options)
		switch {
		case err != nil:
			return nil, store.Permanent(errAuthority)
		case found.TokenCredential != nil:
			i.sources = append(i.sources, found)
		}
	}
	if len(i.sources) == 0 || slices.Contains(names, byNothing) {
		return nil, store.Permanent(errNoMethod)
	}
	return i, nil
}

const (
	errNoMethod  = credential.Remedy("azureAuthMethods allows no method for which the metadata or the environment have the settings")
	errAuthority = credential.Remedy("AZURE_AUTHORITY_HOST is not an address with https, AZURE_TENANT_ID is not the ID of a tenant, or the " +
		"environment variables of a managed identity contradict each other")
)

// GetToken implements azcore.TokenCredential. Its error is a [credential.StoreError].
func (i *identity) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	i.mu.Lock()
	chosen := i.chosen
	i.mu.Unlock()
	if chosen != nil {
		token, err := chosen.GetToken(ctx, options)
		if err != nil {
			return azcore.AccessToken{}, identityFailure(ctx, err)
		}
		return token, nil
	}
	for n, s := range i.sources {
		token, err := s.GetToken(ctx, options)
		if err == nil {
			i.mu.Lock()
			i.chosen = s.TokenCredential
			i.mu.Unlock()
			return token, nil
		}
		if !s.optional || answeredWith(err) != nil || ctx.Err() != nil || n == len(i.sources)-1 {
			return azcore.AccessToken{}, identityFailure(ctx, err)
		}
	}
	return azcore.AccessToken{}, store.Unavailable(errIdentity)
}

// newSource returns one method; without a TokenCredential if it is not set up.
func newSource(method string, s identitySettings, options policy.ClientOptions) (source, error) {
	apart := foreign(options)
	switch {
	case method == bySecret && s.ClientSecret != "":
		found, err := azidentity.NewClientSecretCredential(s.TenantID, s.ClientID, s.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: apart})
		return source{TokenCredential: homeTenant{found}}, err
	case method == byCertificate && (s.Certificate != "" || s.CertificateFile != ""):
		return source{TokenCredential: newCertificateIdentity(s, azidentity.ClientCertificateCredentialOptions{
			ClientOptions: options, DisableInstanceDiscovery: apart,
		})}, nil
	case method == byWorkload && os.Getenv(tokenFile) != "" && os.Getenv(clientID) != "" && os.Getenv(tenantID) != "":
		found, err := newWorkloadIdentity(azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: apart})
		return source{TokenCredential: found}, err
	case method == byManagedIdentity:
		found, err := newManagedIdentity(s, options)
		return source{found, true}, err
	case method == byCLI:
		found, err := azidentity.NewAzureCLICredential(nil)
		return source{found, true}, err
	}
	return source{}, nil
}

// homeTenant gets its tokens from its own tenant, whatever tenant the service names. The SDK would
// refuse the ID of its own tenant if azureTenantId is a domain.
type homeTenant struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (h homeTenant) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	options.TenantID = ""
	return h.TokenCredential.GetToken(ctx, options)
}

// authorityHost is the environment variable with the address of Microsoft Entra ID.
const authorityHost = "AZURE_AUTHORITY_HOST"

// foreign reports whether the environment names an authority that is not Microsoft's. The SDK must not
// ask Microsoft about that one: a private cloud may have no way there.
func foreign(options policy.ClientOptions) bool {
	host, err := url.Parse(os.Getenv(authorityHost))
	return options.Cloud.ActiveDirectoryAuthorityHost == "" && err == nil && host.Host != "" &&
		!slices.Contains(authorities, strings.ToLower(host.Host))
}

// authorities are the hosts of Microsoft Entra ID.
var authorities = []string{
	"login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net",
	"login.partner.microsoftonline.cn", "login.chinacloudapi.cn",
	"login.microsoftonline.us", "login-us.microsoftonline.com", "login.usgovcloudapi.net",
}
