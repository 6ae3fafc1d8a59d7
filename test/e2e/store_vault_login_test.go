//go:build e2e && stores

package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

var tokenTime = flag.Duration("tokens", 15*time.Second, "how long tests read with tokens that live 4 s, and 12 s at most")

// enable enables an auth method with its file in deploy/vault and the shipped policy.
func (v *vaultStore) enable(t *testing.T, method, path string, config, changes map[string]any) {
	t.Helper()
	role, err := os.ReadFile("../../deploy/vault/" + method + ".json")
	require.NoError(t, err)
	policy, err := os.ReadFile("../../deploy/vault/policy.hcl")
	require.NoError(t, err)
	v.policy(t, harness.Role, string(policy))
	require.NoError(t, v.EnableAuth(t.Context(), method, config, path, role, changes))
}

// file writes a file that only the component reads, and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// with returns a Component that logs in. The fields are the metadata of the secret store.
func (v *vaultStore) with(t *testing.T, name string, fields, changes map[string]any) resource {
	t.Helper()
	r := v.component(t, name, changes)
	delete(r.metadata, "secretStore.vaultToken")
	for field, value := range fields {
		r.metadata["secretStore."+field] = value
	}
	if v.CA != nil {
		r.metadata["secretStore.caCert"] = filepath.Join(v.Dir, "ca.pem")
	}
	return r
}

// short makes tokens live 4 seconds, and 12 with renewals.
func short() map[string]any { return map[string]any{"token_ttl": "4s", "token_max_ttl": "12s"} }

// appRole enables AppRole and returns the fields of a login. No log or error may contain the
// secret ID.
func (v *vaultStore) appRole(t *testing.T, changes map[string]any) map[string]any {
	t.Helper()
	v.enable(t, "approle", "role/"+harness.Role, nil, changes)
	role, secret, err := v.AppRole(t.Context())
	require.NoError(t, err)
	v.tokens = append(v.tokens, secret)
	return map[string]any{"authMethod": "approle", "roleID": role, "secretIDPath": file(t, secret+"\n")}
}

// TestStoreVaultLogins logs in with each method, as set up by deploy/vault.
func TestStoreVaultLogins(t *testing.T) {
	t.Parallel()
	for _, server := range []harness.VaultServer{harness.OpenBao(), harness.HashiCorpVault()} {
		server.TLS = true // for the method cert
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			vaultLogins(t, startVault(t, server))
		})
	}
}

func vaultLogins(t *testing.T, v *vaultStore) {
	logins := map[string]map[string]any{"approle": v.appRole(t, nil)}

	v.enable(t, "userpass", "users/"+harness.Role, nil, map[string]any{"password": "canary-password"})
	logins["userpass"] = map[string]any{"authMethod": "userpass", "username": harness.Role, "password": "canary-password"}

	cert, key, err := v.CA.Issue(harness.Role)
	require.NoError(t, err)
	v.enable(t, "cert", "certs/"+harness.Role, nil, map[string]any{"certificate": v.CA.Certificate})
	logins["cert"] = map[string]any{"authMethod": "cert", "clientCert": file(t, cert), "clientKey": file(t, key), "role": harness.Role}

	public, signed := signedJWT(t, "system:serviceaccount:default:"+harness.Role)
	v.enable(t, "jwt", "role/"+harness.Role, map[string]any{"jwt_validation_pubkeys": []string{public}}, nil)
	logins["jwt"] = map[string]any{"authMethod": "jwt", "jwtPath": file(t, signed), "role": harness.Role}

	k, account := v.kubernetes(t, nil)
	logins["kubernetes"] = account
	v.tokens = append(v.tokens, "canary-password", signed)
	v.tokens = append(v.tokens, k.tokens...)

	wrapped, err := v.WrappedSecretID(t.Context())
	require.NoError(t, err)
	logins["wrapped"] = maps.Clone(logins["approle"])
	logins["wrapped"]["secretIDPath"] = file(t, wrapped)
	v.tokens = append(v.tokens, wrapped)

	refused := map[string]map[string]any{}
	// Not the password: Vault locks a user after five wrong ones.
	for name, field := range map[string]string{"approle": "roleID", "userpass": "username", "cert": "role", "jwt": "role", "kubernetes": "role"} {
		refused[name+"-refused"] = maps.Clone(logins[name])
		refused[name+"-refused"][field] = "another"
	}
	absent := maps.Clone(logins["userpass"])
	absent["authMountPath"] = "nowhere"
	refused["absent-refused"] = absent

	var resources []resource
	for name, fields := range logins {
		resources = append(resources, v.with(t, name, fields, map[string]any{"requestTimeout": "10s"}))
	}
	for name, fields := range refused {
		resources = append(resources, v.with(t, name, fields, map[string]any{"requestTimeout": "3s"}))
	}
	v.start(t, resources...)
	defer v.requireSilence(t)
	for name := range logins {
		v.recovers(t, name, "analytics-db") // it may connect late
		require.Equal(t, vaultCanary, v.answers(t, name, "analytics-db")["password"], name)
		sees(t, v.row, "login: "+name, codes.OK.String())
	}
	for name := range refused {
		v.fails(t, name, "analytics-db", "login refused: "+strings.TrimSuffix(name, "-refused"), codes.PermissionDenied)
	}
	for _, method := range []string{"approle", "userpass", "cert", "jwt", "kubernetes"} {
		require.NoError(t, v.RevokeLogins(t.Context(), method))
	}
	for name := range logins {
		require.Equal(t, vaultCanary, v.answers(t, name, "analytics-db")["password"], name+" after its token was revoked")
	}
}

// kubernetes starts an API server whose TokenReview Vault asks, and returns the fields of a
// login with a service account.
func (v *vaultStore) kubernetes(t *testing.T, changes map[string]any) (*kubernetesStore, map[string]any) {
	t.Helper()
	k := startKubernetes(t)
	k.account(t, "default", harness.Role)
	k.account(t, "default", "reviewer")
	k.do(t, http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", object{
		"metadata": object{"name": "reviewer"},
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
		"subjects": []object{{"kind": "ServiceAccount", "name": "reviewer", "namespace": "default"}},
	})
	v.enable(t, "kubernetes", "role/"+harness.Role, map[string]any{
		"kubernetes_host": k.URL(), "kubernetes_ca_cert": k.Etcd.CA.Certificate,
		"token_reviewer_jwt": k.token(t, "reviewer"), "disable_local_ca_jwt": true,
	}, changes)
	return k, map[string]any{"authMethod": "kubernetes", "role": harness.Role, "jwtPath": file(t, k.token(t, harness.Role))}
}

// signedJWT returns a public key as PEM, and a JWT for Vault that its private key has signed.
func signedJWT(t *testing.T, subject string) (public, signed string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	text, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	signed, err = jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"sub": subject, "aud": "vault", "iat": time.Now().Unix(), "nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: text})), signed
}

// TestStoreVaultShortTokens reads without a cache while tokens are renewed and replaced. No
// request may fail.
func TestStoreVaultShortTokens(t *testing.T) { onEachVault(t, vaultShortTokens) }

func vaultShortTokens(t *testing.T, v *vaultStore) {
	account := v.appRole(t, short())
	_, inCluster := v.kubernetes(t, short())
	v.start(t, v.with(t, "approle", account, map[string]any{"cacheTTL": "0s"}),
		v.with(t, "kubernetes", inCluster, map[string]any{"cacheTTL": "0s"}))
	defer v.requireSilence(t)
	asked, begin := 0, time.Now()
	for ; time.Since(begin) < *tokenTime; asked++ {
		for _, component := range []string{"approle", "kubernetes"} {
			require.Equal(t, vaultCanary, v.answers(t, component, "analytics-db")["password"])
		}
	}
	logins := map[string]int{}
	for _, method := range []string{"approle", "kubernetes"} {
		n, err := v.Writes("auth/" + method + "/login")
		require.NoError(t, err)
		require.Greater(t, n, 1, "a token lives 12 s at most")
		logins[method] = n
	}
	renewed, err := v.Writes("auth/token/renew-self")
	require.NoError(t, err)
	require.Positive(t, renewed)
	for method, n := range logins {
		require.LessOrEqual(t, n, 3+int(time.Since(begin)/(8*time.Second)), "%s: a token lives until nearly 12 s", method)
	}
	t.Logf("%d requests of each, none failed; logins %v, renewals %d", asked, logins, renewed)
}

// TestStoreVaultRevoked revokes the token under load. A request may fail only if Vault refuses
// the new token too.
func TestStoreVaultRevoked(t *testing.T) { onEachVault(t, vaultRevoked) }

func vaultRevoked(t *testing.T, v *vaultStore) {
	r := v.with(t, "credentials", v.appRole(t, nil), map[string]any{"cacheTTL": "0s"})
	v.start(t, r)
	defer v.requireSilence(t)
	want := v.answers(t, "credentials", "analytics-db")
	l := startLoad(t, v.side.daprd, map[string]map[string]string{"analytics-db": want})
	for range 5 {
		revoked := time.Now()
		require.NoError(t, v.RevokeLogins(t.Context(), "approle"))
		t.Logf("the first right answer came %v after the token was revoked", l.firstAnswerAfter(t, revoked).Round(time.Millisecond))
	}
	l.stop()
	require.Zero(t, l.wrong.Load())
	require.Zero(t, l.failed.Load(), "%v", l.surprises())
	logins, err := v.Writes("auth/approle/login")
	require.NoError(t, err)
	require.Greater(t, logins, 1)
	t.Logf("%d right answers, %d logins", l.right.Load(), logins)
}

// TestStoreVaultNamespace reads secrets of a namespace of OpenBao, after a login there. Vault has
// namespaces in its Enterprise edition only.
func TestStoreVaultNamespace(t *testing.T) {
	t.Parallel()
	v := startVault(t, harness.OpenBao())
	v.do(t, http.MethodPut, "sys/namespaces/team", map[string]any{})
	v.do(t, http.MethodPut, "team/sys/mounts/secret", map[string]any{"type": "kv", "options": map[string]string{"version": "2"}})
	v.do(t, http.MethodPut, "team/sys/auth/userpass", map[string]any{"type": "userpass"})
	v.do(t, http.MethodPut, "team/sys/policies/acl/wide", map[string]any{"policy": `path "secret/data/dapr/*" { capabilities = ["read"] }`})
	v.do(t, http.MethodPut, "team/auth/userpass/users/reader", map[string]any{"password": vaultCanary, "token_policies": "wide"})
	v.do(t, http.MethodPut, "team/secret/data/dapr/analytics-db", map[string]any{"data": map[string]any{"db_password_key": "of the team"}})
	v.configs.config(t, "elsewhere", `{"credentialSource":"agent","secret-path":"crm-api-key","api_key":"value"}`)
	login := map[string]any{
		"secretStore.vaultToken": "", "secretStore.authMethod": "userpass", "secretStore.username": "reader", "secretStore.password": vaultCanary,
	}
	inside := maps.Clone(login)
	inside["secretStore.vaultNamespace"] = "team"
	login["requestTimeout"] = "3s" // a store that is refused while it connects may still recover
	v.start(t, v.component(t, "inside", inside), v.component(t, "outside", login), v.component(t, "root", nil))
	defer v.requireSilence(t)

	require.Equal(t, "of the team", v.answers(t, "inside", "analytics-db")["password"])
	v.fails(t, "inside", "elsewhere", "namespace without the secret", codes.NotFound)
	require.Equal(t, vaultCanary, v.answers(t, "root", "analytics-db")["password"])
	v.fails(t, "outside", "analytics-db", "login refused: another namespace", codes.PermissionDenied)
}
