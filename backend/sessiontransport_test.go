package backend

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// connCount counts the connections that a server has.
type connCount struct {
	mu      sync.Mutex
	open    map[net.Conn]bool
	made    int
	changed chan struct{} // closed when open changes
}

// countConns counts those of a server that has not started yet.
func countConns(server *httptest.Server) *connCount {
	c := &connCount{open: map[net.Conn]bool{}, changed: make(chan struct{})}
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch state {
		case http.StateNew:
			c.open[conn] = true
			c.made++
		case http.StateClosed, http.StateHijacked:
			delete(c.open, conn)
		default:
			return
		}
		close(c.changed)
		c.changed = make(chan struct{})
	}
	return c
}

// await waits until n connections are open.
func (c *connCount) await(t *testing.T, n int) {
	t.Helper()
	for {
		c.mu.Lock()
		open, changed := len(c.open), c.changed
		c.mu.Unlock()
		if open == n {
			return
		}
		select {
		case <-changed:
		case <-time.After(long):
			require.FailNow(t, "connections stay open", "%d are, not %d", open, n)
		}
	}
}

// countedVault is a Vault over TLS and HTTP/2, or over plain HTTP/1, that calls handle.
func countedVault(t *testing.T, overTLS bool, handle http.HandlerFunc) (*connCount, map[string]string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	conns := countConns(server)
	if server.EnableHTTP2 = overTLS; overTLS {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return conns, map[string]string{"vaultAddr": server.URL, "vaultToken": "t", "skipVerify": "true"}
}

func vaultSecret(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"data":{"data":{"a":"b"},"metadata":{"version":1}}}`)
}

// twoProtocols runs a test with HTTP/1, whose calls have a connection each, and HTTP/2.
func twoProtocols(t *testing.T, test func(t *testing.T, overTLS bool)) {
	t.Helper()
	t.Run("HTTP/1", func(t *testing.T) { test(t, false) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, true) })
}

// together runs as many calls as a store has at a time.
func together(t *testing.T, conn secretConn) {
	t.Helper()
	failed := make(chan error)
	for range DefaultConcurrency {
		go func() {
			_, err := conn.get(context.WithoutCancel(t.Context()), "a")
			failed <- err
		}()
	}
	for range DefaultConcurrency {
		require.NoError(t, <-failed)
	}
}

func TestClosedVaultStoreLeavesNoConnection(t *testing.T) {
	twoProtocols(t, func(t *testing.T, overTLS bool) {
		conns, fields := countedVault(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("version") == "none" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, refusedVersion)
				return
			}
			vaultSecret(w, r)
		})
		for range 5 {
			conn, err := connectVault(t.Context(), fields, devNull(t))
			require.NoError(t, err)
			together(t, conn)
			require.NoError(t, conn.Close())
			conns.await(t, 0)
		}
	})
}

func TestVaultThatCannotBeConnectedLeavesNoConnection(t *testing.T) {
	twoProtocols(t, func(t *testing.T, overTLS bool) {
		conns, fields := countedVault(t, overTLS, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"errors":["Vault is sealed"]}`)
		})
		for range 5 {
			_, err := connectVault(t.Context(), fields, devNull(t))
			require.Error(t, err)
			conns.await(t, 0)
		}
	})
}

func TestVaultsConnectionsEndWithTheirToken(t *testing.T) {
	twoProtocols(t, func(t *testing.T, overTLS bool) {
		file := fileWith(t, "token-a")
		var known atomic.Value
		known.Store("token-a")
		conns, fields := countedVault(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Vault-Token") != known.Load() {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			vaultSecret(w, r)
		})
		setField(fields, "vaultToken", "")
		setField(fields, "vaultTokenMountPath", file)
		conn, err := openVault(t.Context(), fields, devNull(t))
		require.NoError(t, err)
		for _, next := range []string{"token-b", "token-c", "token-d", "token-e"} {
			known.Store(next)
			require.NoError(t, os.WriteFile(file, []byte(next), 0o600))
			_, err = conn.get(t.Context(), "a")
			require.NoError(t, err)
			conns.await(t, 1)
		}
		require.NoError(t, conn.Close())
		conns.await(t, 0)
	})
}

// It is not interrupted, and its connection is not kept for another.
func TestCallThatOutlivesItsSessionEndsItsConnection(t *testing.T) {
	twoProtocols(t, func(t *testing.T, overTLS bool) {
		arrived, answer := make(chan struct{}), make(chan struct{})
		conns, fields := countedVault(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-answer
			vaultSecret(w, r)
		})
		conn, err := openVault(t.Context(), fields, devNull(t))
		require.NoError(t, err)
		failed := make(chan error)
		get := func() {
			_, err := conn.get(context.WithoutCancel(t.Context()), "a")
			failed <- err
		}
		go get()
		<-arrived
		require.NoError(t, conn.Close())
		go get() // as a call that was left behind
		<-arrived
		close(answer)
		require.NoError(t, <-failed)
		require.NoError(t, <-failed)
		conns.await(t, 0)
	})
}

func TestSessionThatIsMadeAfterCloseKeepsNoConnection(t *testing.T) {
	twoProtocols(t, func(t *testing.T, overTLS bool) {
		arrived := make(chan struct{})
		var asked atomic.Int32
		conns, fields := countedVault(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) > 1 {
				vaultSecret(w, r)
				return
			}
			arrived <- struct{}{}
			<-r.Context().Done()
		})
		conn, err := openVault(t.Context(), fields, devNull(t))
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		failed := make(chan error)
		go func() {
			_, err := conn.get(timedOut{ctx}, "a")
			failed <- err
		}()
		<-arrived
		require.NoError(t, conn.Close())
		cancel(context.DeadlineExceeded)
		require.Equal(t, credential.Timeout, credential.KindOf(<-failed), "which makes a session")
		_, err = conn.get(t.Context(), "a")
		require.NoError(t, err)
		conns.await(t, 0)
	})
}

// timedOut is a context whose time is up when the test says so.
type timedOut struct{ context.Context }

func (c timedOut) Err() error {
	if c.Context.Err() == nil {
		return nil
	}
	return context.Cause(c.Context)
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(DefaultConcurrency)
	conns, fields := countedVault(t, false, func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait()
		vaultSecret(w, r)
	})
	conn, err := openVault(t.Context(), fields, devNull(t))
	require.NoError(t, err)
	together(t, conn)
	conns.await(t, idleConns)
	require.Equal(t, idleTimeout, conn.session.transport.IdleConnTimeout)
	require.NoError(t, conn.Close())
	conns.await(t, 0)
}

func TestClosedKubernetesStoreLeavesNoConnection(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
	fields := k.kubeconfig(t, anyUser(), nil)
	for range 5 {
		conn, err := connectKubernetes(t.Context(), fields, devNull(t), true)
		require.NoError(t, err)
		together(t, conn)
		require.NoError(t, conn.Close())
		k.conns.await(t, 0)
	}
	k.answers["team"] = "500 " + kubernetesStatus("InternalError", 500, "", "")
	for range 5 {
		_, err := connectKubernetes(t.Context(), fields, devNull(t), true)
		require.Error(t, err)
		k.conns.await(t, 0)
	}
}

func TestKubernetesConnectionsEndWithTheirToken(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("token-a")
	token := fileWith(t, "token-a")
	conn := connectBy(t, k.kubeconfig(t, map[string]any{"tokenFile": token}, nil))
	for _, next := range []string{"token-b", "token-c", "token-d"} {
		k.token.Store(next)
		replaceFile(t, token, next)
		_, err := conn.get(t.Context(), "a")
		require.NoError(t, err)
		k.conns.await(t, 1)
	}
}

// client-go would share a transport between them.
func TestClosingAKubernetesStoreLeavesAnothersConnection(t *testing.T) {
	k := newScriptedKubernetes(t, map[string]string{"a": secretThere, "team": namespaceThere})
	fields := k.kubeconfig(t, anyUser(), nil)
	one, other := connectBy(t, fields), connectBy(t, fields)
	together(t, one)
	together(t, other)
	k.conns.await(t, 2)
	require.NoError(t, one.Close())
	k.conns.await(t, 1)
	together(t, other)
	k.conns.mu.Lock()
	defer k.conns.mu.Unlock()
	require.Equal(t, 2, k.conns.made)
}
