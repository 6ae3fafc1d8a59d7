package azure

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// KeyVault is secretstores.azure.keyvault: the secrets of one Azure Key Vault.
//
// The only entry of a secret has its name. A text that is a JSON object stands for its fields
// (DESIGN.md, section 4, step 6). A certificate's secret is its text: a PEM, or the base64 of a PFX.
func KeyVault() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:       declared[vaultSettings](),
		Required:     map[string]string{"vaultName": `the name of the vault, such as "my-vault"`},
		Prepare:      prepareVault,
		Connect:      connectVault,
		Paths:        paths(),
		ValidName:    func(_ map[string]string, name string) bool { return secretName.MatchString(name) },
		CheckVersion: checkSecretVersion,
		PolicyTarget: policyTarget,
	}
}

// vaultSettings are the metadata of Key Vault.
type vaultSettings struct {
	Identity identitySettings `mapstructure:",squash"`

	Vault string `mapstructure:"vaultName"`
}

// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
var (
	vaultName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]$`)
	secretName    = regexp.MustCompile(`^[0-9A-Za-z-]{1,127}$`)
	secretVersion = regexp.MustCompile(`^[0-9A-Fa-f]{32}$`)
)

// prepareVault replaces the address of a vault by the vault's name and its cloud, as contrib does.
func prepareVault(fields map[string]string) error {
	s, err := store.Decode[vaultSettings](fields)
	if err != nil {
		return errors.New("a field has a value of the wrong type")
	}
	name, host, hasHost := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(s.Vault, "https://"), "/"), ".")
	if !vaultName.MatchString(name) {
		return errors.New(`vaultName is not the name of a vault, such as "my-vault"`)
	}
	if hasHost {
		cloud := ""
		for named, of := range environments() {
			if named != "" && strings.EqualFold(host, of.vault) {
				cloud = named
			}
		}
		if cloud == "" {
			return errors.New(`vaultName is not the name of a vault, such as "my-vault", or its address, such as "my-vault.vault.azure.net"`)
		}
		store.SetField(fields, "azureCloud", "")
		store.SetField(fields, "azureEnvironment", cloud)
	}
	store.SetField(fields, "vaultName", name)
	return prepare(fields)
}

const (
	errSecretName    = credential.Remedy("the name of a secret in Key Vault has letters, digits and hyphens only, at most 127")
	errSecretVersion = credential.Remedy("a version of a secret in Key Vault is its ID: 32 hexadecimal digits")
)

func checkSecretVersion(version string) error {
	if !secretVersion.MatchString(version) {
		return errSecretVersion
	}
	return nil
}

// vaultConn is a connected Key Vault.
type vaultConn struct {
	*client

	vault string // its name

	getSecret func(ctx context.Context, name, version string, options *azsecrets.GetSecretOptions) (azsecrets.GetSecretResponse, error)
}

var (
	_ store.SecretConn = (*vaultConn)(nil)
	_ store.Versioned  = (*vaultConn)(nil)
)

func connectVault(ctx context.Context, fields map[string]string, _ logger.Logger) (store.SecretConn, error) {
	s, err := store.Decode[vaultSettings](fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c := newClient(s.Identity, false)
	host := s.Identity.environment().vault
	identity, err := c.identify(ctx, s.Identity, "https://"+host+"/.default")
	if err != nil {
		c.transport.End()
		return nil, err
	}
	options := &azsecrets.ClientOptions{ClientOptions: c.options}
	options.PerRetryPolicies = []policy.Policy{challenges{}}
	secrets, err := azsecrets.NewClient("https://"+s.Vault+"."+host, identity, options)
	if err != nil {
		c.transport.End()
		return nil, store.Permanent(errNotVault)
	}
	return &vaultConn{c, s.Vault, secrets.GetSecret}, nil
}

// Get reads the current version of a secret.
func (c *vaultConn) Get(ctx context.Context, name string) (map[string]string, error) {
	return c.GetVersion(ctx, name, "")
}

// GetVersion reads the version with an ID.
func (c *vaultConn) GetVersion(ctx context.Context, name, version string) (map[string]string, error) {
	if !secretName.MatchString(name) {
		return nil, store.Unable(errSecretName)
	}
	out, err := c.getSecret(ctx, name, version, nil)
	switch {
	case err != nil:
		return nil, vaultFailure(ctx, err)
	case out.ID == nil || out.Value == nil:
		return nil, store.Unavailable(errNotVault)
	}
	return map[string]string{name: *out.Value}, nil
}
