//go:build e2e && stores

package e2e

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// kubernetesStore is an API server with samples in its default namespace, configs in a folder,
// and secrets that must not be visible anywhere.
type kubernetesStore struct {
	*harness.Kubernetes

	configs *stores
	tokens  []string
	side    *sidecar
	seen    []string // the error texts that the application got
}

const (
	kubernetesType   = "secretstores.kubernetes"
	kubernetesCanary = "canary-of-kubernetes-3e77"
)

func startKubernetes(t *testing.T) *kubernetesStore {
	t.Helper()
	server, err := harness.StartKubernetes(t.Context(), binary(t, "KUBE_APISERVER", "kube-apiserver"))
	if server != nil {
		t.Cleanup(server.Remove)
	}
	require.NoError(t, err)
	k := &kubernetesStore{Kubernetes: server, configs: newStores(t)}
	k.secret(t, "default", "analytics-db", map[string]string{"db_password_key": kubernetesCanary, "ssl_cert_key": kubernetesCanary})
	k.secret(t, "default", "crm-api-key", map[string]string{"value": kubernetesCanary})
	k.secret(t, "default", "crm-refresh-token", map[string]string{"value": kubernetesCanary})
	k.secret(t, "default", "warehouse", map[string]string{"username": "reader", "password": kubernetesCanary})
	for _, sample := range []string{"analytics-db", "crm-api", "warehouse"} {
		text, err := os.ReadFile("../../components/samples/" + sample + ".json")
		require.NoError(t, err)
		k.configs.config(t, sample, string(text))
	}
	k.account(t, "default", "wide")
	k.allow(t, "Role", "default", "wide", "secrets", "namespaces")
	return k
}

func (k *kubernetesStore) do(t *testing.T, method, path string, body any) {
	t.Helper()
	require.NoError(t, k.Do(t.Context(), method, path, body, nil))
}

// secret creates a secret.
func (k *kubernetesStore) secret(t *testing.T, namespace, name string, entries map[string]string) {
	t.Helper()
	k.do(t, http.MethodPost, "/api/v1/namespaces/"+namespace+"/secrets", object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name}, "stringData": entries,
	})
}

func (k *kubernetesStore) deleteSecret(t *testing.T, namespace, name string) {
	t.Helper()
	k.do(t, http.MethodDelete, "/api/v1/namespaces/"+namespace+"/secrets/"+name, nil)
}

func (k *kubernetesStore) makeNamespace(t *testing.T, name string) {
	t.Helper()
	k.do(t, http.MethodPost, "/api/v1/namespaces", object{"metadata": object{"name": name}})
}

// deleteNamespace deletes a namespace. It also does what the namespace controller does in a
// cluster.
func (k *kubernetesStore) deleteNamespace(t *testing.T, name string) {
	t.Helper()
	k.do(t, http.MethodDelete, "/api/v1/namespaces/"+name+"/secrets", nil)
	k.do(t, http.MethodDelete, "/api/v1/namespaces/"+name, nil)
	k.do(t, http.MethodPut, "/api/v1/namespaces/"+name+"/finalize", object{
		"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": name}, "spec": object{"finalizers": []string{}},
	})
}

// account creates a service account.
func (k *kubernetesStore) account(t *testing.T, namespace, name string) {
	t.Helper()
	k.do(t, http.MethodPost, "/api/v1/namespaces/"+namespace+"/serviceaccounts", object{"metadata": object{"name": name}})
}

// allow lets a service account of the default namespace get resources. kind is Role, for one
// namespace, or ClusterRole, for all namespaces.
func (k *kubernetesStore) allow(t *testing.T, kind, namespace, account string, resources ...string) {
	t.Helper()
	path := "/apis/rbac.authorization.k8s.io/v1/"
	if kind == "Role" {
		path += "namespaces/" + namespace + "/"
	}
	kinds := strings.ToLower(kind)
	k.do(t, http.MethodPost, path+kinds+"s", object{
		"metadata": object{"name": account},
		"rules":    []object{{"apiGroups": []string{""}, "resources": resources, "verbs": []string{"get"}}},
	})
	k.do(t, http.MethodPost, path+kinds+"bindings", object{
		"metadata": object{"name": account},
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": account},
		"subjects": []object{{"kind": "ServiceAccount", "name": account, "namespace": "default"}},
	})
}

// token creates a token of a service account. No log or error may contain it.
func (k *kubernetesStore) token(t *testing.T, account string) string {
	t.Helper()
	token, err := k.Token(t.Context(), "default", account)
	require.NoError(t, err)
	k.tokens = append(k.tokens, token)
	return token
}

// kubeconfig writes a kubeconfig with a user: a token, or the name of a file with a token.
func (k *kubernetesStore) kubeconfig(t *testing.T, user object) string {
	t.Helper()
	text, err := k.Kubeconfig(user)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// component returns a Component on this API server, with a token of an account.
func (k *kubernetesStore) component(t *testing.T, name, account string, changes map[string]any) resource {
	t.Helper()
	metadata := map[string]any{
		"configStore": "bindings.localstorage", "configStore.rootPath": k.configs.path("configs"), "configKey": "{guid}.json",
		"secretStore": kubernetesType, "secretStore.kubeconfigPath": k.kubeconfig(t, object{"token": k.token(t, account)}),
		"storeTimeout": "3s", "requestTimeout": "1h", // so that what ends has ended by storeTimeout
	}
	maps.Copy(metadata, changes)
	return credentials(name, metadata)
}

func (k *kubernetesStore) start(t *testing.T, resources ...resource) {
	t.Helper()
	k.side = startSidecar(t, harness.ComponentOptions{}, resources...)
}

func (k *kubernetesStore) ask(t *testing.T, component, guid string) (map[string]string, string) {
	t.Helper()
	entries, failure := k.side.get(t, component, guid)
	k.seen = append(k.seen, failure)
	return entries, failure
}

// answers requests a credential, which must succeed, and returns it.
func (k *kubernetesStore) answers(t *testing.T, component, guid string) map[string]string {
	t.Helper()
	entries, failure := k.ask(t, component, guid)
	require.Empty(t, failure)
	return entries
}

// fails requests a credential, which must fail, and records what the application sees.
func (k *kubernetesStore) fails(t *testing.T, component, guid, what string, code codes.Code) {
	t.Helper()
	entries, failure := k.ask(t, component, guid)
	require.Empty(t, entries)
	seen := seenCode(t, failure)
	sees(t, kubernetesType, what, seen)
	require.Equal(t, code.String(), seen, what)
}

// recovers waits until a credential resolves again.
func (k *kubernetesStore) recovers(t *testing.T, component, guid string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, failure := k.ask(t, component, guid)
		return failure == ""
	}, patience, tick)
}

// requireSilence requires that neither the application nor the log has seen a token, a secret
// or the name of a lookup.
func (k *kubernetesStore) requireSilence(t *testing.T) {
	t.Helper()
	text := strings.Join(k.seen, "\n") + k.side.component.Log()
	for _, secret := range append(k.tokens, kubernetesCanary, "crm-api-key", "crm-refresh-token", "api.example.com") {
		require.NotContains(t, text, secret)
	}
}

// reads returns the number of reads of Secrets in the server's audit log. The server writes the
// log after it answers, also for callers that have left. So reads waits until the number no
// longer changes.
func (k *kubernetesStore) reads(t *testing.T) int {
	t.Helper()
	last := -1
	require.Eventually(t, func() bool {
		n, err := k.Reads()
		require.NoError(t, err)
		settled := n == last
		last = n
		return settled
	}, patience, 5*tick)
	return last
}
