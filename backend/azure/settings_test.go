package azure

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

func TestMetadataAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		changes []string
		want    string
	}{
		"no name of a vault":              {[]string{"vaultName", "canary_vault"}, "vaultName is not the name of a vault"},
		"a name that is too long":         {[]string{"vaultName", "canary-canary-canary-canary"}, "vaultName is not the name of a vault"},
		"an address elsewhere":            {[]string{"vaultName", "canary.vault.example.com"}, "vaultName is not the name of a vault"},
		"an address with a path":          {[]string{"vaultName", "canary.vault.azure.net/secrets"}, "vaultName is not the name of a vault"},
		"a cloud that does not exist":     {[]string{"azureEnvironment", "canary"}, "azureEnvironment must be AzurePublicCloud"},
		"a method that does not exist":    {[]string{"azureAuthMethods", "mi,canary"}, "a method that does not exist; the methods are: cert, cli, clientcertificate"},
		"SPIFFE":                          {[]string{"azureAuthMethods", "spiffe"}, "spiffeworkloadidentity is not supported"},
		"a tenant that cannot be":         {[]string{"azureTenantId", "canary/x"}, "azureTenantId is neither the ID nor a domain"},
		"a secret without an application": {[]string{"azureClientId", ""}, "need azureTenantId and azureClientId"},
		"a secret without a tenant":       {[]string{"azureTenantId", ""}, "need azureTenantId and azureClientId"},
		"a certificate that is none":      {[]string{"azureCertificate", "canary"}, "the client certificate cannot be used"},
		"two certificates":                {[]string{"azureCertificate", "canary", "azureCertificateFile", "canary"}, "exclude each other"},
	} {
		t.Run(name, func(t *testing.T) {
			err := KeyVault().Prepare(withSecret(test.changes...))
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
	for _, changes := range [][]string{
		nil,
		{"azureEnvironment", "AZUREPUBLIC"},
		{"azureAuthMethods", " MI , clientCredentials,"},
		{"azureTenantId", "", "azureClientId", "", "azureClientSecret", ""},
	} {
		require.NoError(t, KeyVault().Prepare(withSecret(changes...)))
	}
}

func TestFieldsAreDeclared(t *testing.T) {
	for _, name := range []string{
		"vaultName", "azureTenantId", "azureClientId", "azureClientSecret", "azureCertificate", "azureCertificateFile", "azureCertificatePassword",
		"azureEnvironment", "azureAuthMethods",
	} {
		require.Contains(t, KeyVault().Fields, name)
	}
	require.Contains(t, KeyVault().Fields["azureTenantId"].Aliases, "spnTenantId")
	require.NotContains(t, KeyVault().Fields, "Identity")
}

func TestOldNamesOfFields(t *testing.T) {
	s, err := store.Decode[identitySettings](map[string]string{"spnTenantId": "t", "spnClientId": "c", "spnClientSecret": "s", "azureCloud": "AzureChina"})
	require.NoError(t, err)
	require.Equal(t, identitySettings{TenantID: "t", ClientID: "c", ClientSecret: "s", Environment: "AzureChina"}, s)
}
