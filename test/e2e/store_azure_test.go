//go:build e2e && cloud

package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/backend/azure/azuretest"
	"credential-resolver/test/harness"
)

// azureCanary is in the value of every secret, and in the identity of the component.
const azureCanary = "canary-of-azure-7e1b"

const keyVault = "secretstores.azure.keyvault"

// azureVault is a Key Vault and Microsoft Entra ID behind a proxy, configs in a folder, and what the
// application got.
type azureVault struct {
	*azuretest.Cloud

	configs *stores
	side    *sidecar
	seen    []string // the error texts that the application got
}

func startAzure(t *testing.T) *azureVault {
	t.Helper()
	t.Parallel()
	cloud, err := azuretest.Start(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(cloud.Close)
	return &azureVault{Cloud: cloud, configs: newStores(t)}
}

// environment is that of a component that reaches Azure by the proxy only.
func (a *azureVault) environment() []string {
	return []string{"HTTPS_PROXY=" + a.Proxy, "SSL_CERT_FILE=" + a.Certificate, "NO_PROXY=", "no_proxy="}
}

func (a *azureVault) component(name string, changes map[string]any) resource {
	metadata := a.configs.metadata(map[string]any{
		"secretStore": keyVault, "secretStore.vaultName": azuretest.VaultName, "secretStore.azureTenantId": azuretest.Tenant,
		"secretStore.azureClientId": "app", "secretStore.azureClientSecret": azureCanary,
	})
	delete(metadata, "secretStore.secretsFile")
	delete(metadata, "secretStore.multiValued")
	for field, value := range changes {
		if metadata[field] = value; value == nil {
			delete(metadata, field)
		}
	}
	return credentials(name, metadata)
}

func (a *azureVault) ask(t *testing.T, guid string) (map[string]string, string) {
	t.Helper()
	entries, failure := a.side.get(t, "c", guid)
	a.seen = append(a.seen, failure)
	return entries, failure
}

func (a *azureVault) answers(t *testing.T, guid string) map[string]string {
	t.Helper()
	entries, failure := a.ask(t, guid)
	require.Empty(t, failure)
	return entries
}

func (a *azureVault) fails(t *testing.T, guid, what string, code codes.Code) {
	t.Helper()
	entries, failure := a.ask(t, guid)
	require.Empty(t, entries)
	seen := seenCode(t, failure)
	sees(t, keyVault, what, seen)
	require.Equal(t, code.String(), seen, what)
}

// recovers waits until the store answers again.
func (a *azureVault) recovers(t *testing.T, guid string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, failure := a.ask(t, guid)
		return failure == ""
	}, patience, tick)
}

// put stores the secrets and the configs that the tests share.
func (a *azureVault) put(t *testing.T) {
	t.Helper()
	a.Vault.Put("team-db", `{"user":"reader","password":"`+azureCanary+`","port":5432}`)
	a.Vault.Put("api-key", azureCanary)
	a.Vault.Put("direct", `{"user":"reader","password":"`+azureCanary+`"}`)
	a.Vault.Put("rotated", "first")
	a.Vault.Put("rotated", "second")
	a.Vault.Put("disabled", azureCanary)
	a.Vault.Disable("disabled")
	a.configs.config(t, "bundle", `{"credentialSource":"agent","secret-path":"team-db","user":"user","password":"password","port":"port"}`)
	a.configs.config(t, "single", `{"credentialSource":"agent","api_key":"api-key","password":"p@ss: word","name":"db.example.com:5432"}`)
	a.configs.config(t, "direct", `{"credentialSource":"direct"}`)
	a.configs.config(t, "explicit", `{"credential-resolver":{"references":"explicit"},
		"old":{"secretKeyRef":{"name":"rotated","version":"`+azuretest.Version(1)+`"}},"now":"${rotated}"}`)
	a.configs.config(t, "no-version", `{"credential-resolver":{"references":"explicit"},"x":{"secretKeyRef":{"name":"rotated","version":"`+azuretest.Version(9)+`"}}}`)
	a.configs.config(t, "bad-version", `{"credential-resolver":{"references":"explicit"},"x":{"secretKeyRef":{"name":"rotated","version":"1"}}}`)
	a.configs.config(t, "bad-name", `{"credentialSource":"agent","secret-path":"team/db","password":"password"}`)
	for _, name := range []string{"missing", "disabled"} {
		a.configs.config(t, "bundle-"+name, `{"credentialSource":"agent","secret-path":"`+name+`","password":"password"}`)
		a.configs.config(t, "single-"+name, `{"credentialSource":"agent","api_key":"api-key","password":"`+name+`"}`)
	}
}

func TestCloudKeyVault(t *testing.T) {
	a := startAzure(t)
	a.put(t)
	a.side = startSidecar(t, harness.ComponentOptions{Env: a.environment()}, a.component("c", nil))
	defer func() {
		require.NotContains(t, strings.Join(a.seen, "\n")+a.side.component.Log(), azureCanary)
	}()

	got := a.answers(t, "bundle")
	require.Equal(t, []string{"reader", azureCanary, "5432"}, []string{got["user"], got["password"], got["port"]})
	got = a.answers(t, "single")
	require.Equal(t, []string{azureCanary, "p@ss: word", "db.example.com:5432"}, []string{got["api_key"], got["password"], got["name"]})
	require.NotContains(t, strings.Join(a.Vault.Names(), "\n"), "db.example.com", "it cannot be a name, and is not sent")
	got = a.answers(t, "direct")
	require.Equal(t, []string{"reader", azureCanary}, []string{got["user"], got["password"]})
	require.Equal(t, map[string]string{"old": "first", "now": "second"}, a.answers(t, "explicit"))

	a.fails(t, "bundle-missing", "bundle missing", codes.NotFound)
	require.Equal(t, "missing", a.answers(t, "single-missing")["password"], "want a literal")
	sees(t, keyVault, "single-key missing: a literal", codes.OK.String())
	a.fails(t, "bundle-disabled", "bundle disabled", codes.FailedPrecondition)
	a.fails(t, "single-disabled", "single-key disabled", codes.FailedPrecondition)
	a.fails(t, "no-version", "version of a reference: not there", codes.NotFound)
	a.fails(t, "bad-version", "version of a reference: no ID", codes.FailedPrecondition)
	a.fails(t, "bad-name", "name that the store cannot have", codes.FailedPrecondition)

	a.Cut()
	a.fails(t, "bundle-missing", "unreachable", codes.Unavailable)
	a.Restore()
	a.configs.config(t, "again", `{"credentialSource":"agent","secret-path":"team-db","password":"password"}`)
	a.recovers(t, "again")
	sees(t, keyVault, "reachable again", codes.OK.String())
}

// TestCloudKeyVaultRefuses asks with deniedProbe: literal. Only a refusal of one name may make a
// literal.
func TestCloudKeyVaultRefuses(t *testing.T) {
	const refused = `{"error":{"code":"Forbidden","message":"canary","innererror":{"code":"%"}}}`
	a := startAzure(t)
	a.put(t)
	a.side = startSidecar(t, harness.ComponentOptions{Env: a.environment()}, a.component("c", map[string]any{"deniedProbe": "literal"}))
	a.answers(t, "bundle")
	for inner, test := range map[string]struct {
		what    string
		literal bool
	}{
		"ForbiddenByRbac":     {"denied by a role", true},
		"AccessDenied":        {"denied by an access policy", false},
		"ForbiddenByFirewall": {"denied by the firewall", false},
	} {
		a.Vault.Answer(http.StatusForbidden, strings.Replace(refused, "%", inner, 1), nil)
		config := strings.ToLower(inner)
		a.configs.config(t, config, `{"credentialSource":"agent","password":"no-secret"}`)
		a.configs.config(t, config+"-bundle", `{"credentialSource":"agent","secret-path":"no-secret","password":"password"}`)
		a.fails(t, config+"-bundle", "bundle "+test.what, codes.PermissionDenied)
		if test.literal {
			_, failure := a.ask(t, config)
			require.Contains(t, failure, "FailedPrecondition", "nothing is replaced, so it was a literal")
			continue
		}
		a.fails(t, config, "single-key "+test.what+", deniedProbe: literal", codes.PermissionDenied)
	}
	a.Vault.Reset()
	a.recovers(t, "bundle")
}

// TestCloudKeyVaultIdentity starts without an identity that Microsoft Entra ID accepts, and gets one.
func TestCloudKeyVaultIdentity(t *testing.T) {
	a := startAzure(t)
	a.put(t)
	token := filepath.Join(t.TempDir(), "token")
	a.Entra.Refuse(http.StatusUnauthorized, `{"error":"invalid_client","error_description":"AADSTS7000222: canary","error_codes":[7000222]}`)
	side := startSidecar(t, harness.ComponentOptions{Env: append(a.environment(),
		"AZURE_FEDERATED_TOKEN_FILE="+token, "AZURE_CLIENT_ID=pod", "AZURE_TENANT_ID="+azuretest.Tenant, "AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/")},
		a.component("c", map[string]any{
			"secretStore.azureTenantId": nil, "secretStore.azureClientId": nil, "secretStore.azureClientSecret": nil,
			"secretStore.azureAuthMethods": "workloadIdentity",
		}))
	a.side = side
	a.fails(t, "bundle", "token file missing", codes.Unavailable)
	require.NoError(t, os.WriteFile(token, []byte("projected-token"), 0o600))
	require.Eventually(t, func() bool {
		_, failure := a.ask(t, "bundle")
		return strings.Contains(failure, codes.PermissionDenied.String())
	}, patience, tick)
	sees(t, keyVault, "identity refused", codes.PermissionDenied.String())
	require.Contains(t, side.component.Log(), "the client secret has expired")
	require.NotContains(t, side.component.Log(), "canary")
	a.Entra.Reset()
	a.recovers(t, "bundle")
	_, _, form := a.Entra.Asked()
	require.Equal(t, []string{"pod", "projected-token"}, []string{form.Get("client_id"), form.Get("client_assertion")})
}

// TestCloudKeyVaultPolicy applies the policy with a program in the place of the Azure CLI.
func TestCloudKeyVaultPolicy(t *testing.T) {
	a := startAzure(t)
	a.put(t)
	component := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(component, []byte(a.component("c", map[string]any{"deniedProbe": "literal"}).yaml()), 0o600))
	command := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), resolverBinary(t), append(args, "-c", component)...)
		cmd.Env = append(os.Environ(), a.environment()...)
		out, err := cmd.Output()
		return string(out), err
	}
	for _, guid := range []string{"bad-version", "bad-name", "bundle-disabled", "single-disabled"} {
		_, err := command("delete", guid)
		require.NoError(t, err)
	}
	policy, err := command("policy", "--for", "azure")
	require.NoError(t, err)
	for _, line := range []string{"az keyvault show --name team-vault", `--role "Key Vault Secrets User"`, "\n  api-key \\\n", "\n  team-db\n"} {
		require.Contains(t, policy, line)
	}
	require.NotContains(t, policy, "p@ss")
}
