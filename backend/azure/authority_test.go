package azure

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

func TestTenantMayBeADomain(t *testing.T) {
	lonely(t)
	world.Vault.Put("db", "pw")
	_, err := connected(t, withSecret("azureTenantId", "team.example.com")).Get(t.Context(), "db")
	require.NoError(t, err, "%v", errors.Unwrap(err))
	_, path, _ := world.Entra.Asked()
	require.Equal(t, "/team.example.com/oauth2/v2.0/token", path)
}

func TestAuthorityIsThatOfTheCloudOrTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		authority string
		fields    []string
		host      string
		discovery bool // whether Microsoft is asked about the authority
	}{
		"the public cloud":          {"", nil, "login.microsoftonline.com", true},
		"the webhook's environment": {"https://login.chinacloudapi.cn/", nil, "login.chinacloudapi.cn", true},
		"the metadata's cloud first": {
			"https://login.microsoftonline.com/", []string{"vaultName", "https://" + azuretest.VaultName + ".vault.azure.cn/"}, "login.chinacloudapi.cn", true,
		},
		"a private cloud": {"https://login.example.com/", nil, "login.example.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			t.Setenv(authorityHost, test.authority)
			hosts := map[string]bool{}
			discovery := false
			for _, host := range []string{"login.microsoftonline.com", "login.chinacloudapi.cn", "login.example.com"} {
				world.Handle(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					hosts[r.Host] = true
					discovery = discovery || strings.HasSuffix(r.URL.Path, "/discovery/instance")
					world.Entra.ServeHTTP(w, r)
				}))
				t.Cleanup(func() { world.Handle(host, world.Entra) })
			}
			connected(t, withSecret(test.fields...))
			require.Equal(t, map[string]bool{test.host: true}, hosts)
			require.Equal(t, test.discovery, discovery)
		})
	}
}

func TestAuthorityWithoutTLSIsRefused(t *testing.T) {
	for _, address := range []string{"http://login.example.com/", "login.example.com", "https://canary%zz"} {
		lonely(t)
		t.Setenv(authorityHost, address)
		_, err := connect(t, KeyVault(), withSecret())
		require.ErrorAs(t, err, new(*store.PermanentError))
		require.Contains(t, credential.RemedyOf(err), "AZURE_AUTHORITY_HOST is not an address with https")
		require.NotContains(t, err.Error(), "canary")
	}
}
