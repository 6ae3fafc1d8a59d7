package azure

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/dapr/components-contrib/metadata"

	"credential-resolver/backend/store"
)

// identitySettings are the metadata of contrib's Azure authentication, which all stores have.
type identitySettings struct {
	TenantID            string `mapstructure:"azureTenantId" mapstructurealiases:"spnTenantId,tenantId"`
	ClientID            string `mapstructure:"azureClientId" mapstructurealiases:"spnClientId,clientId"`
	ClientSecret        string `mapstructure:"azureClientSecret" mapstructurealiases:"spnClientSecret,clientSecret"`
	Certificate         string `mapstructure:"azureCertificate" mapstructurealiases:"spnCertificate"`
	CertificateFile     string `mapstructure:"azureCertificateFile" mapstructurealiases:"spnCertificateFile"`
	CertificatePassword string `mapstructure:"azureCertificatePassword" mapstructurealiases:"spnCertificatePassword"`
	Environment         string `mapstructure:"azureEnvironment" mapstructurealiases:"azureCloud"`
	Methods             string `mapstructure:"azureAuthMethods" mapstructurealiases:"azureADAuthMethods,entraIDAuthMethods,microsoftEntraIDAuthMethods"`
}

// paths are the fields of all stores that name files.
func paths() []string { return []string{"azureCertificateFile", "spnCertificateFile"} }

// declared returns the fields that all stores have, and those of one store's own settings.
func declared[T any]() metadata.MetadataMap {
	return store.StructFields(reflect.TypeFor[identitySettings](), reflect.TypeFor[T]())
}

var tenant = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

// prepare checks the fields that all stores have. Its errors contain no value.
func prepare(fields map[string]string) error {
	s, err := store.Decode[identitySettings](fields)
	if err != nil {
		return errors.New("a field has a value of the wrong type")
	}
	if _, ok := environments()[strings.ToLower(s.Environment)]; !ok {
		return errors.New("azureEnvironment must be AzurePublicCloud, AzureChinaCloud or AzureUSGovernmentCloud")
	}
	for _, name := range s.methods() {
		switch known, spiffe := method(name); {
		case spiffe:
			return errors.New("azureAuthMethods: spiffeworkloadidentity is not supported: only daprd itself has its SPIFFE identity")
		case known == "":
			return fmt.Errorf("azureAuthMethods has a method that does not exist; the methods are: %s", strings.Join(slices.Sorted(maps.Keys(methodNames())), ", "))
		}
	}
	switch {
	case s.TenantID != "" && !tenant.MatchString(s.TenantID):
		return errors.New("azureTenantId is neither the ID nor a domain of a tenant")
	case s.Certificate != "" && s.CertificateFile != "":
		return errors.New("azureCertificate and azureCertificateFile exclude each other: set one of them")
	case (s.ClientSecret != "" || s.Certificate != "" || s.CertificateFile != "") && (s.ClientID == "" || s.TenantID == ""):
		return errors.New("azureClientSecret and azureCertificate need azureTenantId and azureClientId: set both")
	case s.Certificate != "":
		if _, _, err := parseCertificate([]byte(s.Certificate), s.CertificatePassword); err != nil {
			return errCertificate
		}
	}
	return nil
}

// environment is a cloud of Azure's.
type environment struct {
	cloud   cloud.Configuration // the zero value: the environment variable AZURE_AUTHORITY_HOST, else the public cloud
	vault   string              // the end of the host names of Key Vault
	storage string              // the end of the host names of Storage
}

// environments returns the clouds by the values of azureEnvironment.
func environments() map[string]environment {
	public := environment{cloud.AzurePublic, "vault.azure.net", "core.windows.net"}
	china := environment{cloud.AzureChina, "vault.azure.cn", "core.chinacloudapi.cn"}
	government := environment{cloud.AzureGovernment, "vault.usgovcloudapi.net", "core.usgovcloudapi.net"}
	return map[string]environment{
		"":                       {vault: public.vault, storage: public.storage},
		"azurepubliccloud":       public,
		"azurepublic":            public,
		"azurechinacloud":        china,
		"azurechina":             china,
		"azureusgovernmentcloud": government,
		"azureusgovernment":      government,
	}
}

func (s identitySettings) environment() environment {
	return environments()[strings.ToLower(s.Environment)]
}
