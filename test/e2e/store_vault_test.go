//go:build e2e && stores

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

func TestStoreVault(t *testing.T) { onEachVault(t, vaultSecrets) }

func vaultSecrets(t *testing.T, v *vaultStore) {
	v.start(t, v.component(t, "wide", nil), v.component(t, "text", map[string]any{"secretStore.vaultValueType": "text"}))
	defer v.requireSilence(t)

	absent := []string{"missing", "deleted", "destroyed"}
	bundle := `{"credentialSource":"agent","secret-path":"%s","password":"password"}`
	single := `{"credentialSource":"agent","api_key":"crm-api-key","password":"%s"}`
	for _, name := range absent {
		v.configs.config(t, "bundle-"+name, fmt.Sprintf(bundle, name))
		v.configs.config(t, "single-"+name, fmt.Sprintf(single, name))
	}
	v.write(t, "secret", "deleted", map[string]any{"password": vaultCanary})
	v.do(t, http.MethodDelete, "secret/data/dapr/deleted", nil)
	v.write(t, "secret", "destroyed", map[string]any{"password": vaultCanary})
	v.do(t, http.MethodPut, "secret/destroy/dapr/destroyed", map[string]any{"versions": []int{1}})

	for _, component := range []string{"wide", "text"} {
		got := v.answers(t, component, "analytics-db")
		require.Equal(t, vaultCanary, got["password"])
		require.Equal(t, "5432", got["port"])
		got = v.answers(t, component, "crm-api")
		require.Equal(t, vaultCanary, got["api_key"])
		require.JSONEq(t, `{"region":"eu-west-1","refresh_token":"`+vaultCanary+`"}`, got["extra"])
		got = v.answers(t, component, "warehouse")
		require.Equal(t, "reader", got["username"])
		require.Equal(t, vaultCanary, got["password"])

		suffix := map[string]string{"text": ", vaultValueType text"}[component]
		for _, name := range absent {
			v.fails(t, component, "bundle-"+name, "bundle "+name+suffix, codes.NotFound)
			got := v.answers(t, component, "single-"+name)
			require.Equal(t, name, got["password"], "want a literal")
			require.Equal(t, vaultCanary, got["api_key"])
			sees(t, v.row, "single-key "+name+": a literal"+suffix, codes.OK.String())
		}
	}

	v.write(t, "secret", "gone-later", map[string]any{"value": vaultCanary})
	v.configs.config(t, "single-later", fmt.Sprintf(single, "gone-later"))
	require.Equal(t, vaultCanary, v.answers(t, "wide", "single-later")["password"])
	v.do(t, http.MethodDelete, "secret/data/dapr/gone-later", nil)
	v.fails(t, "wide", "single-later", "single-key deleted after it was read", codes.NotFound)

	v.takesNames(t)

	v.configs.config(t, "odd", `{"credentialSource":"agent","secret-path":"odd","port":"port","password":"password"}`)
	v.write(t, "secret", "odd", map[string]any{"port": 5432, "password": vaultCanary})
	for _, component := range []string{"wide", "text"} {
		got := v.answers(t, component, "odd")
		require.Equal(t, "5432", got["port"])
		require.Equal(t, vaultCanary, got["password"])
	}
}

// takesNames requests a credential with all kinds of strings. A string that Vault rejected as a
// name would fail the whole credential.
func (v *vaultStore) takesNames(t *testing.T) {
	t.Helper()
	names := []string{
		"a:b@c/d", "x=y&z;w,v", "+*!~'()", `"<>^{|}[]`, "naïve/日本語", "...", "a..b/.c", "sys/seal", "data/metadata",
		strings.Repeat("a", 512),
	}
	literals := map[string]string{"credentialSource": "agent", "api_key": "crm-api-key"}
	for i, name := range append(names, "a?version=1", "../deleted", "a//b", "a/./b", "c2VjcmV0/", "a\u200bb", "a b", "%2e%2e") {
		literals[fmt.Sprintf("literal%d", i)] = name
	}
	text, err := json.Marshal(literals)
	require.NoError(t, err)
	v.configs.config(t, "names", string(text))
	literals["api_key"] = vaultCanary
	require.Equal(t, literals, v.answers(t, "wide", "names"))
}

func TestStoreVaultStatedNames(t *testing.T) { onEachVault(t, vaultStatedNames) }

// vaultStatedNames reads secrets that the server's own command has stored, by secret-path and
// by reference. Every name that the command accepts must work.
func vaultStatedNames(t *testing.T, v *vaultStore) {
	names := []string{
		"Prod DB", "a b/c d", "a?b", "a#b", "50%", "a%2fb", "%2e%2e", "a+b", `a\b`, "a;b,c:d@e=f&g", "naïve/日本語 ü", "...",
		"a|b{c}", `"<>^[]`, "~", "$x", strings.Repeat("long", 150),
	}
	for i, name := range names {
		v.put(t, name, "password="+vaultCanary, fmt.Sprintf("which=%d", i))
		stated, err := json.Marshal(name)
		require.NoError(t, err)
		v.configs.config(t, fmt.Sprintf("path-%d", i), `{"credentialSource":"agent","secret-path":`+string(stated)+`,"n":"which"}`)
		v.configs.config(t, fmt.Sprintf("ref-%d", i),
			`{"credential-resolver":{"references":"explicit"},"n":{"secretKeyRef":{"name":`+string(stated)+`,"key":"which"}}}`)
	}
	v.start(t, v.component(t, "wide", nil), v.component(t, "text", map[string]any{"secretStore.vaultValueType": "text"}),
		v.component(t, "allowed", map[string]any{"allowedSecrets": "Prod DB"}))
	defer v.requireSilence(t)
	for _, component := range []string{"wide", "text"} {
		for i, name := range names {
			require.Equal(t, fmt.Sprint(i), v.answers(t, component, fmt.Sprintf("path-%d", i))["n"], name)
			require.Equal(t, fmt.Sprint(i), v.answers(t, component, fmt.Sprintf("ref-%d", i))["n"], name)
		}
	}
	require.Equal(t, "0", v.answers(t, "allowed", "path-0")["n"])
	refused := func(component, guid string, code codes.Code) {
		t.Helper()
		_, failure := v.ask(t, component, guid)
		require.Equal(t, code.String(), seenCode(t, failure), guid)
	}
	refused("allowed", "path-1", codes.PermissionDenied)

	absent := map[string]codes.Code{
		"No Such": codes.NotFound, "a?version=1": codes.NotFound, "crm-api-key#": codes.NotFound, "crm%2Dapi-key": codes.NotFound,
		"../dapr/crm-api-key": codes.FailedPrecondition, "./crm-api-key": codes.FailedPrecondition, "crm-api-key/": codes.FailedPrecondition,
		"/crm-api-key": codes.FailedPrecondition, "a//b": codes.FailedPrecondition, "a\tb": codes.FailedPrecondition,
	}
	i := 0
	for name, code := range absent {
		i++
		stated, err := json.Marshal(name)
		require.NoError(t, err)
		guid := fmt.Sprintf("absent-%d", i)
		v.configs.config(t, guid, `{"credentialSource":"agent","secret-path":`+string(stated)+`,"n":"value"}`)
		refused("wide", guid, code)
	}
}

// put stores a secret with the server's own command.
func (v *vaultStore) put(t *testing.T, name string, data ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), v.binary, append([]string{"kv", "put", "-mount=secret", "dapr/" + name}, data...)...)
	command.Env = append(os.Environ(), "VAULT_ADDR="+v.URL(), "BAO_ADDR="+v.URL(), "VAULT_TOKEN="+v.token(t, "writer"), "BAO_TOKEN="+v.tokens[len(v.tokens)-1])
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%q: %s", name, out)
}

// TestStoreVaultNarrow uses the shipped Component and policy.
func TestStoreVaultNarrow(t *testing.T) { onEachVault(t, vaultNarrow) }

func vaultNarrow(t *testing.T, v *vaultStore) {
	tokenFile := filepath.Join(t.TempDir(), "token")
	write := func(token string) { require.NoError(t, os.WriteFile(tokenFile, []byte(token+"\n"), 0o600)) }
	first := v.token(t, "narrow")
	write(first)
	lookups := `path "secret/data/dapr/crm-api-key" { capabilities = ["read"] }`
	v.policy(t, "no-probe", lookups)
	probe := v.shipped(t, "probe", tokenFile)
	probe.metadata["deniedProbe"] = "literal"
	v.start(t, v.shipped(t, "narrow", tokenFile), probe,
		v.component(t, "no-probe", map[string]any{"secretStore.vaultToken": v.token(t, "no-probe")}))
	defer v.requireSilence(t)

	require.Equal(t, vaultCanary, v.answers(t, "narrow", "analytics-db")["password"])
	v.fails(t, "narrow", "crm-api", "single-key: name that is not allowed", codes.PermissionDenied)
	v.fails(t, "narrow", "warehouse", "direct: name that is not allowed", codes.PermissionDenied)

	v.configs.config(t, "one-key", `{"credentialSource":"agent","api_key":"crm-api-key"}`)
	require.Equal(t, vaultCanary, v.answers(t, "narrow", "one-key")["api_key"])
	require.Equal(t, vaultCanary, v.answers(t, "no-probe", "one-key")["api_key"])

	v.revoke(t, first) // before "probe" has read a secret, because a known secret would not become a literal anyway
	v.fails(t, "probe", "crm-api", "token revoked or expired, deniedProbe literal", codes.PermissionDenied)
	v.fails(t, "narrow", "analytics-db", "token revoked or expired", codes.PermissionDenied)
	write(v.token(t, "narrow"))
	require.Equal(t, vaultCanary, v.answers(t, "narrow", "analytics-db")["password"], "the token's file must be read again")
}

func TestStoreVaultWrongMount(t *testing.T) { onEachVault(t, vaultWrongMount) }

func vaultWrongMount(t *testing.T, v *vaultStore) {
	require.NoError(t, v.Mount(t.Context(), "team", "2"))
	v.write(t, "team", "crm-api-key", map[string]any{"value": vaultCanary})
	v.configs.config(t, "single", `{"credentialSource":"agent","api_key":"crm-api-key","password":"reference"}`)
	v.configs.config(t, "other", `{"credentialSource":"agent","api_key":"another","password":"reference"}`)
	wrong := func(name, path string) resource {
		r := v.component(t, name, map[string]any{"secretStore.enginePath": path})
		r.ignoreErrors = true
		return r
	}
	v.policy(t, "unseen", `path "kv1/data/dapr/another" { capabilities = ["read"] }
		path "kv1/data/dapr/reference" { capabilities = ["read"] }`)
	v.start(t, wrong("missing", "nowhere"),
		v.component(t, "team", map[string]any{"secretStore.enginePath": "team"}),
		v.component(t, "unseen", map[string]any{
			"secretStore.enginePath": "kv1", "secretStore.vaultToken": v.token(t, "unseen"),
		}))
	defer v.requireSilence(t)

	requireSaid(t, v.side.daprd, "enginePath does not name a KV secrets engine")
	v.fails(t, "unseen", "other", "KV version 1, a policy for version 2", codes.PermissionDenied)

	require.Equal(t, "reference", v.answers(t, "team", "single")["password"])
	v.do(t, http.MethodDelete, "sys/mounts/team", nil)
	v.fails(t, "team", "single", "mount gone, known secret", codes.Unavailable)
	v.fails(t, "team", "other", "mount gone, name never seen", codes.Unavailable)
	require.NoError(t, v.Mount(t.Context(), "team", "1"))
	v.fails(t, "team", "other", "mount back as KV version 1", codes.Unavailable)
}

// TestStoreVaultVersion1 reads secrets of KV version 1, which the store finds out.
func TestStoreVaultVersion1(t *testing.T) { onEachVault(t, vaultVersion1) }

func vaultVersion1(t *testing.T, v *vaultStore) {
	v.policy(t, "version-1", `path "kv1/dapr/*" { capabilities = ["read"] }`)
	v.do(t, http.MethodPut, "kv1/dapr/analytics-db", map[string]any{"db_password_key": vaultCanary, "ssl_cert_key": vaultCanary})
	v.do(t, http.MethodPut, "kv1/dapr/crm-api-key", map[string]any{"value": vaultCanary})
	v.do(t, http.MethodPut, "kv1/dapr/gone-later", map[string]any{"value": vaultCanary})
	v.configs.config(t, "bundle-missing", `{"credentialSource":"agent","secret-path":"missing","password":"password"}`)
	v.configs.config(t, "single", `{"credentialSource":"agent","api_key":"crm-api-key","password":"a literal","range":"1..9"}`)
	v.configs.config(t, "later", `{"credentialSource":"agent","api_key":"gone-later"}`)
	v.start(t, v.component(t, "v1", map[string]any{
		"secretStore.enginePath": "kv1", "secretStore.vaultToken": v.token(t, "version-1"),
	}))
	defer v.requireSilence(t)
	require.Equal(t, vaultCanary, v.answers(t, "v1", "analytics-db")["password"])
	require.Equal(t, map[string]string{"credentialSource": "agent", "api_key": vaultCanary, "password": "a literal", "range": "1..9"}, v.answers(t, "v1", "single"))
	v.fails(t, "v1", "bundle-missing", "KV version 1: bundle missing", codes.NotFound)
	require.Equal(t, vaultCanary, v.answers(t, "v1", "later")["api_key"])
	v.do(t, http.MethodDelete, "kv1/dapr/gone-later", nil)
	v.fails(t, "v1", "later", "KV version 1: single-key deleted after it was read", codes.NotFound)
}

func TestStoreVaultSecretVersions(t *testing.T) { onEachVault(t, vaultSecretVersions) }

func vaultSecretVersions(t *testing.T, v *vaultStore) {
	for _, password := range []string{"first", "second", "third"} {
		v.write(t, "secret", "versions", map[string]any{"password": password})
	}
	v.do(t, http.MethodPut, "secret/destroy/dapr/versions", map[string]any{"versions": []int{2}})
	v.do(t, http.MethodPut, "kv1/dapr/versions", map[string]any{"password": vaultCanary})
	reference := func(version string) string {
		return `{"secretKeyRef":{"name":"versions","key":"password"` + version + `}}`
	}
	config := func(guid, fields string) {
		v.configs.config(t, guid, `{"credential-resolver":{"references":"explicit"},`+fields+`}`)
	}
	config("each", `"old":`+reference(`,"version":1`)+`,"now":`+reference(``)+`,"text":"${versions#password}"`)
	config("destroyed", `"password":`+reference(`,"version":"2"`))
	config("future", `"password":`+reference(`,"version":"4"`))
	config("zero", `"password":`+reference(`,"version":"0"`))
	config("older", `"password":`+reference(`,"version":"1"`))
	v.start(t, v.component(t, "v2", nil), v.component(t, "v1", map[string]any{"secretStore.enginePath": "kv1"}))
	defer v.requireSilence(t)
	require.Equal(t, map[string]string{"old": "first", "now": "third", "text": "third"}, v.answers(t, "v2", "each"))
	v.fails(t, "v2", "destroyed", "version of a reference: destroyed", codes.NotFound)
	v.fails(t, "v2", "future", "version of a reference: not there yet", codes.NotFound)
	v.fails(t, "v2", "zero", "version of a reference: no number from 1", codes.FailedPrecondition)
	v.fails(t, "v1", "older", "version of a reference, KV version 1", codes.FailedPrecondition)
}

// TestStoreVaultReplacedMount disables a mount and enables it again as version 1, with no
// request in between that could notice. Version 1 answers every name as version 2 answers a
// missing one. A credential that combines a cached and a new secret would then contain a
// reference.
func TestStoreVaultReplacedMount(t *testing.T) { onEachVault(t, vaultReplacedMount) }

func vaultReplacedMount(t *testing.T, v *vaultStore) {
	require.NoError(t, v.Mount(t.Context(), "team", "2"))
	v.write(t, "team", "crm-api-key", map[string]any{"value": vaultCanary})
	v.configs.config(t, "cached", `{"credentialSource":"agent","api_key":"crm-api-key"}`)
	v.configs.config(t, "mixed", `{"credentialSource":"agent","api_key":"crm-api-key","password":"never-seen"}`)
	v.configs.config(t, "literal", `{"credentialSource":"agent","api_key":"crm-api-key","password":"a-literal"}`)
	v.start(t, v.component(t, "team", map[string]any{"secretStore.enginePath": "team", "cacheTTL": "60s"}))
	defer v.requireSilence(t)
	require.Equal(t, "a-literal", v.answers(t, "team", "literal")["password"])
	require.Equal(t, vaultCanary, v.answers(t, "team", "cached")["api_key"])

	v.do(t, http.MethodDelete, "sys/mounts/team", nil)
	require.NoError(t, v.Mount(t.Context(), "team", "1"))
	v.fails(t, "team", "mixed", "mount replaced by KV version 1, name never seen", codes.Unavailable)
	requireSaid(t, v.side.component, "the mount that enginePath names is KV version 1")
	require.Equal(t, vaultCanary, v.answers(t, "team", "cached")["api_key"], "a cached answer must still be served")

	v.do(t, http.MethodDelete, "sys/mounts/team", nil)
	require.NoError(t, v.Mount(t.Context(), "team", "2"))
	require.Equal(t, "never-seen", v.answers(t, "team", "mixed")["password"], "want a literal, because the store can distinguish again")
}

// TestStoreVaultUpgradedMount upgrades a mount of version 1. Version 2 answers some names of
// secrets with objects of its own.
func TestStoreVaultUpgradedMount(t *testing.T) { onEachVault(t, vaultUpgradedMount) }

func vaultUpgradedMount(t *testing.T, v *vaultStore) {
	v.policy(t, "old", `path "old/*" { capabilities = ["read"] }`)
	require.NoError(t, v.Mount(t.Context(), "old", "1"))
	names := []string{"config", "data/db", "metadata/db", "subkeys/db", "delete/db", "db"}
	for i, name := range names {
		v.do(t, http.MethodPut, "old/"+name, map[string]any{"password": vaultCanary, "which": name})
		v.configs.config(t, fmt.Sprint("secret-", i), `{"credentialSource":"agent","secret-path":"`+name+`","n":"which"}`)
	}
	v.start(t, v.component(t, "old", map[string]any{
		"secretStore.enginePath": "old", "secretStore.vaultKVUsePrefix": "false", "secretStore.vaultToken": v.token(t, "old"), "cacheTTL": "0",
	}))
	defer v.requireSilence(t)
	for i, name := range names {
		require.Equal(t, name, v.answers(t, "old", fmt.Sprint("secret-", i))["n"])
	}
	v.do(t, http.MethodPost, "sys/mounts/old/tune", map[string]any{"options": map[string]string{"version": "2"}})
	for i, name := range names {
		v.recovers(t, "old", fmt.Sprint("secret-", i)) // the upgrade takes a moment
		require.Equal(t, name, v.answers(t, "old", fmt.Sprint("secret-", i))["n"])
	}
}

func TestStoreVaultDown(t *testing.T) { onEachVault(t, vaultDown) }

func vaultDown(t *testing.T, v *vaultStore) {
	wide := v.component(t, "wide", nil)
	late := v.component(t, "late", map[string]any{"requestTimeout": "1s"})
	v.start(t, wide)
	defer v.requireSilence(t)
	v.answers(t, "wide", "crm-api")

	v.do(t, http.MethodPost, "sys/quotas/rate-limit/few", map[string]any{"path": "secret/", "rate": 1, "interval": "1h"})
	_, _ = v.ask(t, "wide", "crm-api")
	v.fails(t, "wide", "crm-api", "throttled", codes.Unavailable)
	v.do(t, http.MethodDelete, "sys/quotas/rate-limit/few", nil)
	v.recovers(t, "wide", "crm-api")

	v.do(t, http.MethodPut, "sys/seal", nil)
	v.fails(t, "wide", "crm-api", "sealed", codes.Unavailable)
	require.NoError(t, v.Unseal(t.Context()))
	v.recovers(t, "wide", "crm-api")

	require.NoError(t, v.Hang())
	v.fails(t, "wide", "crm-api", "hangs", codes.DeadlineExceeded) // by storeTimeout
	require.NoError(t, v.Continue())
	v.recovers(t, "wide", "crm-api")

	require.NoError(t, v.Stop())
	v.fails(t, "wide", "crm-api", "unreachable", codes.Unavailable)

	sidecar := v.side
	v.side = startSidecar(t, harness.ComponentOptions{}, late)
	v.fails(t, "late", "crm-api", "absent at start", codes.Unavailable)

	require.NoError(t, v.Restart(t.Context()))
	v.fails(t, "late", "crm-api", "sealed at start", codes.Unavailable)
	require.NoError(t, v.Unseal(t.Context()))
	v.recovers(t, "late", "crm-api")
	v.requireSilence(t)
	v.side = sidecar
	v.recovers(t, "wide", "crm-api")
}

// TestStoreVaultConnections edits Components with a valid and an invalid token. Vault itself
// keeps idle connections for five minutes.
func TestStoreVaultConnections(t *testing.T) { onEachVault(t, vaultConnections) }

func vaultConnections(t *testing.T, v *vaultStore) {
	requireLeavesNoConnection(t, v.Address, func(side *sidecar) {
		requireEntry(t, side, "wide", "crm-api", "api_key", vaultCanary)
	}, v.component(t, "wide", nil), v.component(t, "unknown", map[string]any{"secretStore.vaultToken": "unknown"}))
}
