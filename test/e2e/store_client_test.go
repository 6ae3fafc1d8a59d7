//go:build e2e && stores

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/client"
	"credential-resolver/test/harness"
)

// TestStoreClientVault checks that package client recognises a missing secret by the error text
// of daprd's own Vault store, and nothing else.
func TestStoreClientVault(t *testing.T) {
	onEachVault(t, func(t *testing.T, v *vaultStore) {
		store := func(name, token string) resource {
			return resource{name: name, kind: "secretstores.hashicorp.vault", metadata: map[string]any{
				"vaultAddr": v.URL(), "vaultToken": token,
			}}
		}
		side := startSidecar(t, harness.ComponentOptions{},
			store("secretstore", v.token(t, "wide")), store("deployment-secret-store", v.token(t, "wide")), store("refusing", "no-token"))
		requireMissingIsKnown(t, client.New(side.sdk(t), client.Options{}), "crm-api-key", vaultCanary)
	})
}

// TestStoreClientKubernetes does the same with Kubernetes.
func TestStoreClientKubernetes(t *testing.T) {
	t.Parallel()
	k := startKubernetes(t)
	store := func(name, token string) resource {
		return resource{name: name, kind: kubernetesType, metadata: map[string]any{
			"kubeconfigPath": k.kubeconfig(t, object{"token": token}), "defaultNamespace": "default",
		}}
	}
	side := startSidecar(t, harness.ComponentOptions{},
		store("secretstore", k.token(t, "wide")), store("deployment-secret-store", k.token(t, "wide")), store("refusing", "no-token"))
	requireMissingIsKnown(t, client.New(side.sdk(t), client.Options{}), "crm-api-key", kubernetesCanary)
}

// requireMissingIsKnown requests a secret with one entry, a secret that does not exist, and one
// from a store that refuses.
func requireMissingIsKnown(t *testing.T, c *client.Client, name, value string) {
	t.Helper()
	secret, err := c.GetSecret(t.Context(), name, "")
	require.NoError(t, err)
	got, err := secret.Text("value")
	require.NoError(t, err)
	require.Equal(t, value, got)
	got, ok, err := c.GetDeploymentSecret(t.Context(), name)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, value, got, "want the secret's only entry")

	_, err = c.GetSecret(t.Context(), "nowhere", "")
	requireFails(t, err, client.ErrNotFound, codes.NotFound)
	_, ok, err = c.GetDeploymentSecret(t.Context(), "nowhere")
	require.NoError(t, err)
	require.False(t, ok)

	_, err = c.GetSecret(t.Context(), name, "refusing")
	requireFails(t, err, client.ErrInternal, codes.Internal)
}
