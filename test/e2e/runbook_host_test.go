//go:build e2e && docs

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
	"credential-resolver/test/session"
)

// host is a machine on which OpenBao, the component and daprd are services.
type host struct {
	home      string
	variables map[string]string // those that the document sets, for this host

	vault     *harness.Vault
	roleID    string
	component *harness.Component
	daprd     *harness.Daprd
	serve     harness.ComponentOptions
	run       harness.DaprdOptions
	logged    map[string]string // by earlier processes of a service
}

// newHost prepares a host. Its times are short, so that the document's waits are short. With
// servers, it has configs in Redis and PostgreSQL too.
func newHost(t *testing.T, servers bool) *host {
	t.Helper()
	h := &host{home: t.TempDir(), logged: map[string]string{}}
	for _, folder := range []string{"bin", "components", "secrets"} {
		require.NoError(t, os.Mkdir(h.path(folder), 0o700))
	}
	h.startVault(t)
	state, err := os.MkdirTemp("/dev/shm", "cr-") // in memory, as the state folder must be
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	ports, err := harness.TakePorts(2)
	require.NoError(t, err)
	t.Cleanup(ports.Release)
	metrics := fmt.Sprintf("127.0.0.1:%d", ports.Numbers[1])
	h.serve = harness.ComponentOptions{
		Binary: h.path("bin", "credential-resolver"), SocketFolder: socketFolder(t), StateDir: state,
		Env: []string{"XDG_DATA_HOME=" + h.path("lib")}, Args: []string{"--metrics-listen", metrics},
	}
	h.run = harness.DaprdOptions{
		Binary: binary(t, "DAPRD", "daprd"), SocketFolder: h.serve.SocketFolder, ResourcesPath: h.path("components"),
		Args: []string{"--dapr-http-port", fmt.Sprint(ports.Numbers[0])},
	}
	token, err := h.vault.Token(t.Context(), "root")
	require.NoError(t, err)
	daprd := fmt.Sprintf("http://127.0.0.1:%d", ports.Numbers[0])
	h.variables = map[string]string{
		"STORE": "credentials", "GUID": "analytics-db", "DAPR": daprd, "METRICS": "http://" + metrics + "/metrics",
		"COMPONENT": h.path("components", "credentials.yaml"), "BINARY": h.serve.Binary, "NEW": h.path("new"), "STATE": state,
		"POSTGRES": "", "XDG_DATA_HOME": h.path("lib"), "DAPR_COMPONENTS_SOCKETS_FOLDER": h.serve.SocketFolder, "DATABASE": h.path("lib", "credential-resolver", "credentials.db"), "SECRET_ID": h.path("secrets", "vault-secret-id"),
		"TOKEN": h.path("secrets", "vault-token"), "VAULT_ADDR": h.vault.URL(), "VAULT_TOKEN": token,
		"URL": daprd + "/v1.0/secrets/credentials/analytics-db",
	}
	if servers {
		h.addServers(t)
	}
	session.AddCommand(t, h.path("bin"), "systemctl", h.systemctl)
	session.AddCommand(t, h.path("bin"), "journalctl", func(args []string) (string, error) { return h.journal(args[1]), nil }) // -u SERVICE
	return h
}

func (h *host) path(elements ...string) string {
	return filepath.Join(append([]string{h.home}, elements...)...)
}

func (h *host) write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// startVault starts OpenBao with the shipped policy and AppRole. It writes two Components that
// read from it: one logs in with the AppRole, the other has a token in a file.
func (h *host) startVault(t *testing.T) {
	t.Helper()
	bao := binary(t, "BAO", "bao")
	vault, err := harness.StartVault(t.Context(), harness.OpenBao(), bao)
	if vault != nil {
		t.Cleanup(vault.Remove)
	}
	require.NoError(t, err)
	h.vault = vault
	require.NoError(t, os.Symlink(bao, h.path("bin", "vault")))
	policy, err := os.ReadFile("../../deploy/vault/policy.hcl")
	require.NoError(t, err)
	role, err := os.ReadFile("../../deploy/vault/approle.json")
	require.NoError(t, err)
	require.NoError(t, vault.Policy(t.Context(), harness.Role, string(policy)))
	require.NoError(t, vault.EnableAuth(t.Context(), "approle", nil, "role/"+harness.Role, role, nil))
	id, secret, err := vault.AppRole(t.Context())
	require.NoError(t, err)
	token, err := vault.Token(t.Context(), harness.Role)
	require.NoError(t, err)
	h.write(t, h.path("secrets", "vault-secret-id"), secret)
	h.write(t, h.path("secrets", "vault-token"), token)
	h.roleID = id
	h.addComponent(t, "credentials", nil)
	h.addComponent(t, "fixed-token", map[string]any{"secretStore.authMethod": "token", "secretStore.vaultTokenMountPath": h.path("secrets", "vault-token")})
	require.NoError(t, vault.Write(t.Context(), "secret/data/dapr/analytics-db", map[string]any{"db_password_key": "first", "ssl_cert_key": "certificate"}))
}

// addComponent writes a Component with secrets in OpenBao. It logs in with the AppRole, unless
// the metadata has another method.
func (h *host) addComponent(t *testing.T, name string, metadata map[string]any) {
	t.Helper()
	all := map[string]any{
		"allowedSecrets": "analytics-db", "cacheTTL": "2s", "requestTimeout": "5s", "breakerInterval": "1s",
		"secretStore": "secretstores.hashicorp.vault", "secretStore.vaultAddr": h.vault.URL(),
	}
	if metadata["secretStore.authMethod"] == nil {
		maps.Copy(all, map[string]any{
			"secretStore.authMethod": "approle", "secretStore.roleID": h.roleID, "secretStore.secretIDPath": h.path("secrets", "vault-secret-id"),
		})
	}
	maps.Copy(all, metadata)
	h.write(t, h.path("components", name+".yaml"), credentials(name, all).yaml())
}

// env is the environment of the shell: the document's variables, and what a host has without them.
func (h *host) env(t *testing.T) []string {
	t.Helper()
	env := append(os.Environ(), "ROOT="+absolute(t, "../.."), "PATH="+h.path("bin")+":"+os.Getenv("PATH"))
	for name, value := range h.variables {
		env = append(env, name+"="+value)
	}
	return env
}

// start returns the step before those of the document: it installs the component, stores the sample's
// config, starts the services and asks for each credential once.
func (h *host) start(t *testing.T) session.Step {
	t.Helper()
	t.Cleanup(func() {
		for _, service := range []string{"daprd", "credential-resolver"} {
			_, _ = h.systemctl([]string{"stop", service})
		}
		requireClean(t, h.journal("credential-resolver"))
	})
	return session.Step{Hidden: true, Command: `(set -e
		install -m 0755 "$ROOT/bin/credential-resolver" "$BINARY"
		for component in components/*.yaml; do credential-resolver put -c "$component" --guid "$GUID" "$ROOT/components/samples/analytics-db.json"; done
		systemctl start credential-resolver
		systemctl start daprd
		for store in components/*.yaml; do curl -sS --fail -o /dev/null "$DAPR/v1.0/secrets/$(basename $store .yaml)/$GUID"; done
	)`}
}
