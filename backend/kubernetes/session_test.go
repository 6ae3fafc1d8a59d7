package kubernetes

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
	"credential-resolver/test/program"
)

// connectBy connects with the metadata that kubeconfig returned.
func connectBy(t *testing.T, fields map[string]string) *conn {
	t.Helper()
	c, err := connect(t.Context(), fields, storetest.DevNull(t), true)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c.(*conn)
}

func TestTokenIsReadAgainWhenItIsRefused(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("old")
	token := storetest.FileWith(t, "old")
	conn := connectBy(t, k.kubeconfig(t, map[string]any{"tokenFile": token}, nil))
	_, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)

	k.token.Store("new")
	first, before := conn.session.Load(), k.asked.Load()
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	require.EqualValues(t, 1, k.asked.Load()-before, "the file still has the refused token")
	require.Same(t, first, conn.session.Load())

	storetest.ReplaceFile(t, token, "")
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err, "the file is being written")
	storetest.ReplaceFile(t, token, "new")
	_, err = conn.Get(t.Context(), "a")
	require.NoError(t, err)
}

// client-go runs the plugin of a kubeconfig again as soon as its token is refused.
func TestPluginIsAskedAgainWhenItsTokenIsRefused(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("old")
	token := storetest.FileWith(t, "old")
	plugin := filepath.Join(t.TempDir(), "plugin")
	program.Write(t, plugin, []byte(`#!/bin/sh
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'"$(cat '`+token+`')"'"}}'
`), 0o700)
	conn := connectBy(t, k.kubeconfig(t, map[string]any{"exec": map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never",
	}}, nil))
	_, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	k.token.Store("new")
	storetest.ReplaceFile(t, token, "new")
	_, err = conn.Get(t.Context(), "a")
	require.NoError(t, err)
}

func TestAuthorityIsReadAgainWhenItDoesNotMatch(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	server := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw}))
	authority := storetest.FileWith(t, server)
	conn := connectBy(t, k.kubeconfig(t, anyUser(), map[string]any{
		"certificate-authority-data": nil, "certificate-authority": authority,
	}))
	other, _ := storetest.OwnCertificate(t)
	old, err := newSession(conn.config, sessionFiles{authority: other})
	require.NoError(t, err)
	conn.session.Store(old)
	storetest.ReplaceFile(t, authority, other)
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	require.Same(t, old, conn.session.Load())
	storetest.ReplaceFile(t, authority, server)
	_, err = conn.Get(t.Context(), "a")
	require.NoError(t, err)
}

// Behind a proxy, client-go has no transport that the next attempt could reuse.
func TestServerBehindAProxyLeavesNothingBehind(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"team": "500 " + statusOf("InternalError", 500, "", "")})
	certificate, key := storetest.OwnCertificate(t)
	proxy := storetest.NewConnectProxy(t)
	fields := k.kubeconfig(t,
		map[string]any{"client-certificate": storetest.FileWith(t, certificate), "client-key": storetest.FileWith(t, key)}, map[string]any{"proxy-url": proxy.URL})
	before := runtime.NumGoroutine()
	for range 20 {
		_, err := connect(t.Context(), fields, storetest.DevNull(t), true)
		require.Error(t, err)
	}
	require.EqualValues(t, 20, proxy.Made.Load())
	require.Eventually(t, func() bool { return proxy.Open.Load() == 0 }, storetest.Long, time.Millisecond)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() < before+10 }, storetest.Long, time.Millisecond)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var asked http.Header
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.Header }))
	t.Cleanup(plain.Close)
	k := newScriptedServer(t, map[string]string{"team": namespaceThere})
	conn := connectBy(t, k.kubeconfig(t, anyUser(), nil))
	k.answers["a"] = "302 " + plain.URL
	_, err := conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	require.Nil(t, asked)
}

// A connection whose other end has vanished must not be used again.
func TestDeadConnectionIsLeftBehind(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	network := storetest.NewNetwork(t, k.Listener.Addr().String())
	conn := connectBy(t, k.kubeconfig(t, anyUser(), map[string]any{"server": "https://" + network.Address}))
	network.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
	defer cancel()
	_, err := conn.Get(ctx, "a")
	storetest.RequireKind(t, credential.Timeout, err)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), store.DefaultTimeout)
		defer cancel()
		_, err := conn.Get(ctx, "a")
		return err == nil
	}, storetest.Long, time.Millisecond)
}
