//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
	"credential-resolver/test/program"
)

// pluginKubeconfig writes a kubeconfig whose user logs in with a program. The program creates
// the file ran. There is no server at the kubeconfig's address.
func pluginKubeconfig(t *testing.T) (path, ran string) {
	t.Helper()
	folder := t.TempDir()
	ran = filepath.Join(folder, "ran")
	plugin := filepath.Join(folder, "plugin")
	program.Write(t, plugin, []byte("#!/bin/sh\n: > '"+ran+"'\n"), 0o700)
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": "https://127.0.0.1:1"}}},
		"users": []any{map[string]any{"name": "u", "user": map[string]any{"exec": map[string]any{
			"apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never",
		}}}},
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c", "user": "u", "namespace": "default"}}},
	})
	require.NoError(t, err)
	path = filepath.Join(folder, "kubeconfig")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path, ran
}

// TestExecPlugin uses a Component that names a kubeconfig with a program. Without a flag, the
// program must not run: whoever can write to the socket could otherwise run it as the
// component's user.
func TestExecPlugin(t *testing.T) {
	t.Parallel()
	component := func(s *stores, kubeconfig string) resource {
		return credentials("credentials", map[string]any{
			"configStore": "bindings.localstorage", "configStore.rootPath": s.path("configs"),
			"secretStore": "secretstores.kubernetes", "secretStore.kubeconfigPath": kubeconfig,
		})
	}
	t.Run("is refused", func(t *testing.T) {
		t.Parallel()
		kubeconfig, ran := pluginKubeconfig(t)
		sockets := socketFolder(t)
		startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
		daprd := launchDaprd(t, sockets, newResourceFolder(t, component(newStores(t), kubeconfig)))
		requireEnds(t, daprd.Process, "daprd goes on with a Component that is refused")
		requireSaid(t, daprd, "--allow-exec-plugins")
		require.NoFileExists(t, ran)
	})
	t.Run("runs with the flag", func(t *testing.T) {
		t.Parallel()
		kubeconfig, ran := pluginKubeconfig(t)
		startSidecar(t, harness.ComponentOptions{Args: []string{"--allow-exec-plugins"}}, component(newStores(t), kubeconfig))
		require.FileExists(t, ran)
	})
	t.Run("runs for a command, as the user of the command", func(t *testing.T) {
		t.Parallel()
		kubeconfig, ran := pluginKubeconfig(t)
		s := newStores(t)
		s.config(t, "c", `{}`)
		file := filepath.Join(t.TempDir(), "credentials.yaml")
		require.NoError(t, os.WriteFile(file, []byte(component(s, kubeconfig).yaml()), 0o600))
		out, err := exec.Command(resolverBinary(t), "resolve", "-c", file, "c").CombinedOutput()
		require.Error(t, err, "want an error, because there is no server: %s", out)
		require.FileExists(t, ran)
	})
}
