//go:build e2e && stores

package e2e

import (
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/internal/componentfile"
	"credential-resolver/test/harness"
)

// vaultStore is a Vault, configs in a folder, and secrets that must not be visible anywhere.
type vaultStore struct {
	*harness.Vault

	row     string // its name in the matrix
	binary  string // the server's binary, which is also its command line
	configs *stores
	tokens  []string
	side    *sidecar
	seen    []string // the error texts that the application got
}

// vaultCanary is in the value of every secret.
const vaultCanary = "canary-of-vault-90b1"

// onEachVault runs a test on a new instance of each server that has Vault's API.
func onEachVault(t *testing.T, test func(*testing.T, *vaultStore)) {
	t.Helper()
	t.Parallel()
	for _, server := range []harness.VaultServer{harness.OpenBao(), harness.HashiCorpVault()} {
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			test(t, startVault(t, server))
		})
	}
}

func startVault(t *testing.T, server harness.VaultServer) *vaultStore {
	t.Helper()
	program := binary(t, server.Variable, server.Binary)
	vault, err := harness.StartVault(t.Context(), server, program)
	if vault != nil {
		t.Cleanup(vault.Remove)
	}
	require.NoError(t, err)
	v := &vaultStore{Vault: vault, row: "secretstores.hashicorp.vault (" + server.Name + ")", binary: program, configs: newStores(t)}
	policy, err := os.ReadFile("../../deploy/vault/policy.hcl")
	require.NoError(t, err)
	v.policy(t, "narrow", string(policy))
	v.policy(t, "writer", `path "secret/data/dapr/*" { capabilities = ["create", "update"] }
		path "sys/internal/ui/mounts/*" { capabilities = ["read"] }`)
	v.policy(t, "wide", `path "+/data/dapr/*" { capabilities = ["read"] }`)
	v.write(t, "secret", "analytics-db", map[string]any{"db_password_key": vaultCanary, "ssl_cert_key": vaultCanary})
	v.write(t, "secret", "crm-api-key", map[string]any{"value": vaultCanary})
	v.write(t, "secret", "crm-refresh-token", map[string]any{"value": vaultCanary})
	v.write(t, "secret", "warehouse", map[string]any{"username": "reader", "password": vaultCanary})
	for _, sample := range []string{"analytics-db", "crm-api", "warehouse"} {
		text, err := os.ReadFile("../../components/samples/" + sample + ".json")
		require.NoError(t, err)
		v.configs.config(t, sample, string(text))
	}
	return v
}

func (v *vaultStore) do(t *testing.T, method, path string, body any) {
	t.Helper()
	require.NoError(t, v.Do(t.Context(), method, path, body))
}

func (v *vaultStore) policy(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, v.Policy(t.Context(), name, text))
}

func (v *vaultStore) write(t *testing.T, mount, name string, entries map[string]any) {
	t.Helper()
	require.NoError(t, v.Write(t.Context(), mount+"/data/dapr/"+name, entries))
}

// token creates a token with a policy. No log or error may contain it.
func (v *vaultStore) token(t *testing.T, policy string) string {
	t.Helper()
	token, err := v.Token(t.Context(), policy)
	require.NoError(t, err)
	v.tokens = append(v.tokens, token)
	return token
}

func (v *vaultStore) revoke(t *testing.T, token string) {
	t.Helper()
	v.do(t, http.MethodPost, "auth/token/revoke", map[string]string{"token": token})
}

// component returns a Component on this Vault, with a token of the policy "wide".
func (v *vaultStore) component(t *testing.T, name string, changes map[string]any) resource {
	t.Helper()
	metadata := map[string]any{
		"configStore": "bindings.localstorage", "configStore.rootPath": v.configs.path("configs"), "configKey": "{guid}.json",
		"secretStore": "secretstores.hashicorp.vault", "secretStore.vaultAddr": v.URL(),
		"secretStore.vaultToken": v.token(t, "wide"),
		"storeTimeout":           "3s", "requestTimeout": "1h", // so that what ends has ended by storeTimeout
	}
	maps.Copy(metadata, changes)
	return credentials(name, metadata)
}

// shipped returns the shipped Component with this test's addresses.
func (v *vaultStore) shipped(t *testing.T, name, tokenFile string) resource {
	t.Helper()
	given, err := componentfile.Load("../../components/stores/secretstores.hashicorp.vault.yaml")
	require.NoError(t, err)
	metadata := map[string]any{}
	for field, value := range given {
		metadata[field] = value
	}
	require.Contains(t, metadata, "secretStore.vaultTokenMountPath")
	metadata["secretStore.vaultTokenMountPath"] = tokenFile
	metadata["secretStore.vaultAddr"] = v.URL()
	metadata["allowedSecrets"] = "*" // the test is about refusals by Vault itself
	metadata["configStore"] = "bindings.localstorage"
	metadata["configStore.rootPath"] = v.configs.path("configs")
	metadata["configKey"] = "{guid}.json"
	return credentials(name, metadata)
}

func (v *vaultStore) start(t *testing.T, resources ...resource) {
	t.Helper()
	v.side = startSidecar(t, harness.ComponentOptions{}, resources...)
}

func (v *vaultStore) ask(t *testing.T, component, guid string) (map[string]string, string) {
	t.Helper()
	entries, failure := v.side.get(t, component, guid)
	v.seen = append(v.seen, failure)
	return entries, failure
}

// answers requests a credential, which must succeed, and returns it.
func (v *vaultStore) answers(t *testing.T, component, guid string) map[string]string {
	t.Helper()
	entries, failure := v.ask(t, component, guid)
	require.Empty(t, failure)
	return entries
}

// fails requests a credential, which must fail, and records what the application sees.
func (v *vaultStore) fails(t *testing.T, component, guid, what string, code codes.Code) {
	t.Helper()
	entries, failure := v.ask(t, component, guid)
	require.Empty(t, entries)
	seen := seenCode(t, failure)
	sees(t, v.row, what, seen)
	require.Equal(t, code.String(), seen, what)
}

// recovers waits until a credential resolves again.
func (v *vaultStore) recovers(t *testing.T, component, guid string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, failure := v.ask(t, component, guid)
		return failure == ""
	}, patience, tick)
}

// requireSilence requires that neither the application nor the log has seen a token, a secret
// or the name of a lookup.
func (v *vaultStore) requireSilence(t *testing.T) {
	t.Helper()
	text := strings.Join(v.seen, "\n") + v.side.component.Log()
	for _, secret := range append(v.tokens, vaultCanary, "crm-api-key", "crm-refresh-token", "api.example.com") {
		require.NotContains(t, text, secret)
	}
}
