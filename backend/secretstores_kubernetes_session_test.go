package backend

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// connectBy connects by a kubeconfig.
func connectBy(t *testing.T, fields map[string]string) *kubernetesConn {
	t.Helper()
	conn, err := connectKubernetes(t.Context(), fields, devNull(t), true)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn.(*kubernetesConn)
}

// fileWith writes a file in a folder of its own, and returns its path.
func fileWith(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	replaceFile(t, path, text)
	return path
}

func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func TestKubernetesTokenIsReadAgainWhenItIsRefused(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("old")
	token := fileWith(t, "old")
	conn := connectBy(t, k.kubeconfig(t, map[string]any{"tokenFile": token}, nil))
	_, err := conn.get(t.Context(), "a")
	require.NoError(t, err)

	k.token.Store("new")
	first, before := conn.session.Load(), k.asked.Load()
	_, err = conn.get(t.Context(), "a")
	require.Equal(t, credential.Denied, credential.KindOf(err))
	require.EqualValues(t, 1, k.asked.Load()-before, "the file has the token that was refused")
	require.Same(t, first, conn.session.Load())

	replaceFile(t, token, "")
	_, err = conn.get(t.Context(), "a")
	require.Equal(t, credential.Unavailable, credential.KindOf(err), "it is being written")
	replaceFile(t, token, "new")
	_, err = conn.get(t.Context(), "a")
	require.NoError(t, err)
}

// The plugin of a kubeconfig is run again by client-go as soon as its token is
// refused.
func TestKubernetesPluginIsAskedAgainWhenItsTokenIsRefused(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("old")
	token := fileWith(t, "old")
	plugin := fileWith(t, `#!/bin/sh
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'"$(cat '`+token+`')"'"}}'
`)
	require.NoError(t, os.Chmod(plugin, 0o700))
	conn := connectBy(t, k.kubeconfig(t, map[string]any{"exec": map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never",
	}}, nil))
	_, err := conn.get(t.Context(), "a")
	require.NoError(t, err)
	k.token.Store("new")
	replaceFile(t, token, "new")
	_, err = conn.get(t.Context(), "a")
	require.NoError(t, err)
}

func TestKubernetesAuthorityIsReadAgainWhenItIsNotTheServers(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
	server := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw}))
	authority := fileWith(t, server)
	conn := connectBy(t, k.kubeconfig(t, anyUser(), map[string]any{
		"certificate-authority-data": nil, "certificate-authority": authority,
	}))
	other, _ := ownCertificate(t)
	old, err := newKubernetesSession(conn.config, kubernetesFiles{authority: other})
	require.NoError(t, err)
	conn.session.Store(old)
	replaceFile(t, authority, other)
	_, err = conn.get(t.Context(), "a")
	require.Equal(t, credential.Unavailable, credential.KindOf(err))
	require.Same(t, old, conn.session.Load())
	replaceFile(t, authority, server)
	_, err = conn.get(t.Context(), "a")
	require.NoError(t, err)
}

// Behind a proxy client-go keeps no transport that a next attempt could use.
func TestKubernetesBehindAProxyLeavesNothingBehind(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"team": "500 " + kubernetesStatus("InternalError", 500, "", "")})
	certificate, key := ownCertificate(t)
	proxy := newTunnel(t)
	fields := k.kubeconfig(t,
		map[string]any{"client-certificate": fileWith(t, certificate), "client-key": fileWith(t, key)}, map[string]any{"proxy-url": proxy.URL})
	before := runtime.NumGoroutine()
	for range 20 {
		_, err := connectKubernetes(t.Context(), fields, devNull(t), true)
		require.Error(t, err)
	}
	require.EqualValues(t, 20, proxy.made.Load())
	require.Eventually(t, func() bool { return proxy.open.Load() == 0 }, DefaultTimeout, time.Millisecond)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() < before+10 }, DefaultTimeout, time.Millisecond)
}

func TestKubernetesRedirectIsNotFollowed(t *testing.T) {
	var asked http.Header
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Header }))
	t.Cleanup(plain.Close)
	k := newScriptedKubernetes(t, map[string]string{"team": namespaceThere})
	conn := connectBy(t, k.kubeconfig(t, anyUser(), nil))
	k.answers["a"] = "302 " + plain.URL
	_, err := conn.get(t.Context(), "a")
	require.Equal(t, credential.Unavailable, credential.KindOf(err))
	require.Nil(t, asked)
}

// A connection whose other end has vanished is not used again.
func TestKubernetesDeadConnectionIsLeftBehind(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
	network := newNetwork(t, k.Listener.Addr().String())
	conn := connectBy(t, k.kubeconfig(t, anyUser(), map[string]any{"server": "https://" + network.address}))
	network.cut()
	ctx, cancel := context.WithTimeout(t.Context(), tickOfTest)
	defer cancel()
	_, err := conn.get(ctx, "a")
	require.Equal(t, credential.Timeout, credential.KindOf(err))
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), tickOfTest)
		defer cancel()
		_, err := conn.get(ctx, "a")
		return err == nil
	}, DefaultTimeout, time.Millisecond)
}
