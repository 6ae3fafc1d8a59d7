//go:build e2e && stores

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// policyModes are the ways to deal with looked-up values that are literals.
var policyModes = map[string]struct {
	metadata map[string]any
	flags    []string
}{
	"lookupFields":        {metadata: map[string]any{"lookupFields": "api_key,extra.refresh_token"}},
	"deniedProbe literal": {metadata: map[string]any{"deniedProbe": "literal"}},
	"literals":            {flags: []string{"--literals"}},
}

// policyCredentials are the credentials of the stores, and what a resolution prints with all rights.
func policyCredentials(t *testing.T, wide resource) map[string]string {
	t.Helper()
	credentials := map[string]string{}
	for _, guid := range strings.Fields(commandOn(t, wide, "list")) {
		credentials[guid] = commandOn(t, wide, "resolve", guid)
	}
	require.Len(t, credentials, 4)
	return credentials
}

// commandOn runs one of our commands on a Component and returns what it prints.
func commandOn(t *testing.T, r resource, name string, args ...string) string {
	t.Helper()
	out, err := tryCommandOn(t, r, name, args...)
	require.NoError(t, err, name)
	return out
}

func tryCommandOn(t *testing.T, r resource, name string, args ...string) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(path, []byte(r.yaml()), 0o600))
	cmd := exec.CommandContext(t.Context(), resolverBinary(t), append([]string{name, "-c", path}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

// unlike returns the credentials that a Component resolves in another way, or not at all.
func unlike(t *testing.T, r resource, credentials map[string]string) []string {
	t.Helper()
	var found []string
	for guid, want := range credentials {
		if got, err := tryCommandOn(t, r, "resolve", guid); err != nil || got != want {
			found = append(found, guid)
		}
	}
	return found
}

func TestStoreVaultPolicy(t *testing.T) { onEachVault(t, vaultPolicy) }

// vaultPolicy uses a printed policy, and then that policy without each of its rules for secrets.
func vaultPolicy(t *testing.T, v *vaultStore) {
	v.write(t, "secret", `Prod "DB"`, map[string]any{"password": vaultCanary})
	v.configs.config(t, "quoted", `{"credential-resolver":{"references":"explicit"},"p":"x ${Prod \"DB\"#password}"}`)
	rule := regexp.MustCompile(`(?s)path "[^\n]*" \{.*?\n\}\n`)
	for name, mode := range policyModes {
		wide := v.component(t, "wide", mode.metadata)
		credentials := policyCredentials(t, wide)
		policy := commandOn(t, wide, "policy", append([]string{"--for", "vault"}, mode.flags...)...)
		rules := rule.FindAllString(policy, -1)
		secrets := slices.DeleteFunc(rules, func(rule string) bool { return strings.Contains(rule, `"auth/token/`) })
		require.GreaterOrEqual(t, len(secrets), 5, policy)
		narrow := v.component(t, "narrow", mode.metadata)
		narrow.metadata["secretStore.vaultToken"] = v.token(t, "printed")
		v.policy(t, "printed", policy)
		require.Empty(t, unlike(t, narrow, credentials), "%s: with the printed policy and nothing more", name)
		for _, without := range secrets {
			v.policy(t, "printed", strings.Replace(policy, without, "", 1))
			require.NotEmpty(t, unlike(t, narrow, credentials), "%s: without %s", name, without)
		}
	}
}

// TestStoreKubernetesPolicy does the same with a printed Role.
func TestStoreKubernetesPolicy(t *testing.T) {
	t.Parallel()
	k := startKubernetes(t)
	k.secret(t, "default", "1", map[string]string{"value": kubernetesCanary}) // not a number in YAML
	k.configs.config(t, "reference", `{"credential-resolver":{"references":"explicit"},"p":"x ${1}"}`)
	const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/"
	for name, mode := range policyModes {
		account := strings.ReplaceAll(strings.ToLower(name), " ", "-")
		k.account(t, "default", account)
		wide, narrow := k.component(t, "wide", "wide", mode.metadata), k.component(t, "narrow", account, mode.metadata)
		credentials := policyCredentials(t, wide)
		documents := strings.Split(commandOn(t, wide, "policy", append([]string{"--for", "kubernetes"}, mode.flags...)...), "---\n")
		require.Len(t, documents, 2)
		var role struct {
			Rules []struct{ ResourceNames []string }
		}
		require.NoError(t, yaml.Unmarshal([]byte(documents[0]), &role))
		var whole, binding object
		require.NoError(t, yaml.Unmarshal([]byte(documents[0]), &whole))
		require.NoError(t, yaml.Unmarshal([]byte(documents[1]), &binding))
		binding["subjects"] = []object{{"kind": "ServiceAccount", "name": account, "namespace": "default"}}
		k.do(t, http.MethodPost, rbac+"roles", whole)
		k.do(t, http.MethodPost, rbac+"rolebindings", binding)
		same := func() bool { return len(unlike(t, narrow, credentials)) == 0 }
		require.Eventually(t, same, patience, tick, "%s: with the printed Role and nothing more", name)
		require.Len(t, role.Rules, 1)
		names := role.Rules[0].ResourceNames
		require.GreaterOrEqual(t, len(names), 5)
		for i := range names {
			less := slices.Delete(slices.Clone(names), i, i+1)
			whole["rules"] = []object{{"apiGroups": []string{""}, "resources": []string{"secrets"}, "verbs": []string{"get"}, "resourceNames": less}}
			k.do(t, http.MethodPut, rbac+"roles/credential-resolver", whole)
			require.Eventually(t, func() bool { return !same() }, patience, tick, fmt.Sprintf("%s: without %s", name, names[i]))
		}
		k.do(t, http.MethodDelete, rbac+"roles/credential-resolver", nil)
		k.do(t, http.MethodDelete, rbac+"rolebindings/credential-resolver", nil)
	}
}
