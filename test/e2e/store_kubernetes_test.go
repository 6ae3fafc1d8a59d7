//go:build e2e && stores

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
)

func TestStoreKubernetes(t *testing.T) {
	t.Parallel()
	k := startKubernetes(t)
	k.start(t, k.component(t, "wide", "wide", nil))
	defer k.requireSilence(t)

	bundle := `{"credentialSource":"agent","secret-path":"%s","password":"password"}`
	single := `{"credentialSource":"agent","api_key":"crm-api-key","password":"%s"}`
	k.configs.config(t, "bundle-missing", fmt.Sprintf(bundle, "missing"))
	k.configs.config(t, "single-missing", fmt.Sprintf(single, "missing"))
	k.configs.config(t, "single-later", fmt.Sprintf(single, "gone-later"))
	k.configs.config(t, "bundle-binary", fmt.Sprintf(bundle, "binary"))
	k.secret(t, "default", "gone-later", map[string]string{"value": kubernetesCanary})
	k.do(t, http.MethodPost, "/api/v1/namespaces/default/secrets", object{
		"metadata": object{"name": "binary"}, "data": object{"password": []byte{0xff, 0xfe}},
	})

	got := k.answers(t, "wide", "analytics-db")
	require.Equal(t, kubernetesCanary, got["password"])
	require.Equal(t, "5432", got["port"])
	got = k.answers(t, "wide", "crm-api")
	require.Equal(t, kubernetesCanary, got["api_key"])
	require.JSONEq(t, `{"region":"eu-west-1","refresh_token":"`+kubernetesCanary+`"}`, got["extra"])
	got = k.answers(t, "wide", "warehouse")
	require.Equal(t, "reader", got["username"])
	require.Equal(t, kubernetesCanary, got["password"])

	k.fails(t, "wide", "bundle-missing", "bundle missing", codes.NotFound)
	k.fails(t, "wide", "bundle-binary", "value that is not UTF-8", codes.FailedPrecondition)
	require.Equal(t, "missing", k.answers(t, "wide", "single-missing")["password"])
	sees(t, kubernetesType, "single-key missing: a literal", codes.OK.String())
	require.Equal(t, kubernetesCanary, k.answers(t, "wide", "single-later")["password"])
	k.deleteSecret(t, "default", "gone-later")
	k.fails(t, "wide", "single-later", "single-key deleted after it was read", codes.NotFound)

	// A value that cannot be the name of a Secret is not looked up.
	literals := map[string]string{"credentialSource": "agent", "api_key": "crm-api-key"}
	for i, name := range []string{
		"Upper-case", "under_score", "a/b", "a%2fb", "-a", "a-", "a..b", ".", "..", "naïve", strings.Repeat("a", 254), "a:b", "p@ss",
	} {
		literals[fmt.Sprintf("literal%d", i)] = name
	}
	text, err := json.Marshal(literals)
	require.NoError(t, err)
	k.configs.config(t, "names", string(text))
	literals["api_key"] = kubernetesCanary
	before := k.reads(t)
	require.Equal(t, literals, k.answers(t, "wide", "names"))
	require.Equal(t, 1, k.reads(t)-before, "reads in the API server's own audit log")
}

// TestStoreKubernetesNarrow uses the shipped Role and the service account that it is bound to.
func TestStoreKubernetesNarrow(t *testing.T) {
	t.Parallel()
	k := startKubernetes(t)
	for _, o := range manifests(t, "../../deploy/kubernetes/role.yaml") {
		k.do(t, http.MethodPost, collection(o), o)
	}
	k.account(t, "default", "default")
	tokenFile := filepath.Join(t.TempDir(), "token")
	write := func() { require.NoError(t, os.WriteFile(tokenFile, []byte(k.token(t, "default")), 0o600)) }
	write()
	kubeconfig := k.kubeconfig(t, object{"tokenFile": tokenFile})
	narrow := func(name string, changes map[string]any) resource {
		r := credentials(name, storeFile(t, kubernetesType))
		require.Contains(t, r.metadata, "secretStore.kubeconfigPath")
		for field, value := range k.component(t, name, "wide", changes).metadata {
			r.metadata[field] = value
		}
		r.metadata["secretStore.kubeconfigPath"] = kubeconfig
		r.metadata["allowedSecrets"] = "*" // the test is about refusals by the API server itself
		return r
	}
	k.start(t, narrow("narrow", nil),
		narrow("fields", map[string]any{"lookupFields": "api_key,extra.refresh_token"}),
		narrow("probe", map[string]any{"deniedProbe": "literal"}))
	defer k.requireSilence(t)

	require.Equal(t, kubernetesCanary, k.answers(t, "narrow", "analytics-db")["password"])
	for _, name := range []string{"fields", "probe"} {
		before, err := k.Reads()
		require.NoError(t, err)
		got := k.answers(t, name, "crm-api")
		require.Equal(t, kubernetesCanary, got["api_key"])
		require.JSONEq(t, `{"region":"eu-west-1","refresh_token":"`+kubernetesCanary+`"}`, got["extra"])
		after, err := k.Reads()
		require.NoError(t, err)
		t.Logf("%s: %d requests", name, after-before)
		if name == "fields" {
			require.Equal(t, 2, after-before)
		}
	}
	k.configs.config(t, "unknown-yet", `{"credentialSource":"agent","password":"analytics-db"}`)
	// These are last, because the API server may log their remaining requests late.
	k.fails(t, "narrow", "crm-api", "single-key: name that is not allowed", codes.PermissionDenied)
	k.fails(t, "narrow", "warehouse", "direct: name that is not allowed", codes.PermissionDenied)

	k.do(t, http.MethodDelete, "/api/v1/namespaces/default/serviceaccounts/default", nil)
	require.Eventually(t, func() bool { // the API server caches a token's validity for a moment
		_, failure := k.ask(t, "narrow", "analytics-db")
		return failure != ""
	}, patience, tick)
	k.fails(t, "narrow", "analytics-db", "token revoked or expired", codes.PermissionDenied)
	// If the secret were already known, the refusal would not make a literal anyway.
	k.fails(t, "probe", "unknown-yet", "token revoked or expired, deniedProbe literal", codes.PermissionDenied)
	k.account(t, "default", "default")
	write()
	require.Equal(t, kubernetesCanary, k.answers(t, "narrow", "analytics-db")["password"], "the token's file must be read again")
}

func TestStoreKubernetesNamespaces(t *testing.T) {
	t.Parallel()
	k := startKubernetes(t)
	k.configs.config(t, "single", `{"credentialSource":"agent","api_key":"crm-api-key","password":"reference"}`)
	k.configs.config(t, "other", `{"credentialSource":"agent","api_key":"another","password":"reference"}`)
	k.makeNamespace(t, "team")
	k.secret(t, "team", "crm-api-key", map[string]string{"value": kubernetesCanary})
	k.allow(t, "Role", "team", "wide", "secrets", "namespaces")
	k.configs.config(t, "there", `{"credentialSource":"agent","api_key":"crm-api-key"}`)
	k.configs.config(t, "missing", `{"credentialSource":"agent","password":"reference"}`)
	k.account(t, "default", "blind")
	k.allow(t, "Role", "team", "blind", "secrets")
	k.makeNamespace(t, "ending")
	k.allow(t, "Role", "ending", "wide", "secrets", "namespaces")
	k.do(t, http.MethodDelete, "/api/v1/namespaces/ending", nil) // no controller runs here that would finish the deletion
	k.account(t, "default", "everywhere")
	k.allow(t, "ClusterRole", "", "everywhere", "secrets")
	k.account(t, "default", "sees")
	k.allow(t, "ClusterRole", "", "sees", "secrets", "namespaces")
	in := func(name, account, namespace string) resource {
		r := k.component(t, name, account, map[string]any{
			"secretStore.defaultNamespace": namespace, "unresolved": "allow", "requestTimeout": "2s",
		})
		r.ignoreErrors = true
		return r
	}
	k.start(t, in("team", "wide", "team"), in("elsewhere", "wide", "kube-system"), in("nowhere", "wide", "nowhere"),
		in("seen-nowhere", "sees", "nowhere"), in("unseen-nowhere", "everywhere", "nowhere"), in("everywhere", "everywhere", "team"),
		in("blind", "blind", "team"), in("ending", "wide", "ending"))
	defer k.requireSilence(t)

	requireSaid(t, k.side.daprd, "there is no such namespace: see defaultNamespace")
	k.fails(t, "elsewhere", "single", "namespace that the role does not allow", codes.PermissionDenied)
	k.fails(t, "nowhere", "single", "namespace missing", codes.PermissionDenied)
	k.fails(t, "unseen-nowhere", "single", "namespace missing, role for the whole cluster", codes.PermissionDenied)
	k.fails(t, "unseen-nowhere", "missing", "namespace missing, role for the whole cluster", codes.PermissionDenied)
	k.fails(t, "ending", "missing", "namespace being deleted", codes.Unavailable)

	require.Equal(t, "reference", k.answers(t, "blind", "missing")["password"], "the right is bound in the namespace, so the namespace exists")
	require.Equal(t, "reference", k.answers(t, "team", "single")["password"])
	k.answers(t, "everywhere", "there")
	require.Equal(t, "reference", k.answers(t, "everywhere", "single")["password"], "an existing secret proves that the namespace exists")
	k.deleteNamespace(t, "team")
	k.fails(t, "team", "other", "namespace gone, name never seen", codes.Unavailable)
	k.fails(t, "team", "single", "namespace gone, known secret", codes.Unavailable)
}

func TestStoreKubernetesDown(t *testing.T) {
	t.Parallel()
	k := startKubernetes(t)
	wide := k.component(t, "wide", "wide", nil)
	late := k.component(t, "late", "wide", map[string]any{"requestTimeout": "1s"})
	patient := k.component(t, "patient", "wide", map[string]any{"requestTimeout": "20s"})
	k.start(t, wide)
	defer k.requireSilence(t)
	k.answers(t, "wide", "crm-api")

	k.throttle(t)
	require.NoError(t, k.Etcd.Hang()) // one of the lookups then occupies the only place
	k.fails(t, "wide", "crm-api", "throttled", codes.Unavailable)
	require.NoError(t, k.Etcd.Continue())
	k.do(t, http.MethodDelete, "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/one", nil)
	k.recovers(t, "wide", "crm-api")

	require.NoError(t, k.Hang())
	k.fails(t, "wide", "crm-api", "hangs", codes.DeadlineExceeded) // by storeTimeout
	require.NoError(t, k.Continue())
	k.recovers(t, "wide", "crm-api")

	require.NoError(t, k.Etcd.Stop())
	k.fails(t, "wide", "crm-api", "its etcd is down", codes.DeadlineExceeded)
	require.NoError(t, k.Etcd.Restart(t.Context()))
	k.recovers(t, "wide", "crm-api")

	require.NoError(t, k.Stop())
	k.fails(t, "wide", "crm-api", "unreachable", codes.Unavailable)

	sidecar := k.side
	k.start(t, late, patient)
	k.fails(t, "late", "crm-api", "absent at start", codes.Unavailable)
	answer := make(chan reply, 1)
	go func() {
		r, _ := ask(t.Context(), k.side.daprd, "patient", "crm-api")
		answer <- r
	}()
	require.NoError(t, k.Restart(t.Context()))
	r := <-answer
	require.Equal(t, kubernetesCanary, r.entries["api_key"], r.message)
	sees(t, kubernetesType, "started within requestTimeout", codes.OK.String())
	k.recovers(t, "late", "crm-api")
	k.requireSilence(t)
	k.side = sidecar
	k.recovers(t, "wide", "crm-api")
	sees(t, kubernetesType, "reachable again", codes.OK.String())
}

// throttle gives the account "wide" one concurrent request at the API server. Further requests
// get 429.
func (k *kubernetesStore) throttle(t *testing.T) {
	t.Helper()
	path := "/apis/flowcontrol.apiserver.k8s.io/v1/"
	k.do(t, http.MethodPost, path+"prioritylevelconfigurations", object{
		"metadata": object{"name": "one"},
		"spec": object{"type": "Limited", "limited": object{
			"nominalConcurrencyShares": 0, "lendablePercent": 0, "borrowingLimitPercent": 0, "limitResponse": object{"type": "Reject"},
		}},
	})
	k.do(t, http.MethodPost, path+"flowschemas", object{
		"metadata": object{"name": "one"},
		"spec": object{
			"priorityLevelConfiguration": object{"name": "one"}, "matchingPrecedence": 2,
			"rules": []object{{
				"subjects": []object{{"kind": "ServiceAccount", "serviceAccount": object{"name": "wide", "namespace": "default"}}},
				"resourceRules": []object{{
					"verbs": []string{"*"}, "apiGroups": []string{"*"}, "resources": []string{"*"}, "namespaces": []string{"*"},
					"clusterScope": true,
				}},
			}},
		},
	})
	require.Eventually(t, func() bool {
		var schema struct {
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
		err := k.Do(t.Context(), http.MethodGet, path+"flowschemas/one", nil, &schema)
		return err == nil && len(schema.Status.Conditions) > 0 // it is in force
	}, patience, tick)
}

func TestStoreKubernetesConnections(t *testing.T) {
	t.Parallel()
	k := startKubernetes(t)
	requireLeavesNoConnection(t, k.Address, func(side *sidecar) {
		requireEntry(t, side, "wide", "crm-api", "api_key", kubernetesCanary)
	}, k.component(t, "wide", "wide", nil))
}
