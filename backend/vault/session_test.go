package vault

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// countedServer starts a Vault that counts its connections, with TLS and HTTP/2 or with plain
// HTTP/1. It calls handle for each request.
func countedServer(t *testing.T, overTLS bool, handle http.HandlerFunc) (*storetest.ConnCount, map[string]string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	conns := storetest.CountConns(server)
	if server.EnableHTTP2 = overTLS; overTLS {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return conns, map[string]string{"vaultAddr": server.URL, "vaultToken": "t", "skipVerify": "true"}
}

func writeSecret(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"data":{"data":{"a":"b"},"metadata":{"version":1}}}`)
}

func TestClosedStoreLeavesNoConnection(t *testing.T) {
	storetest.TwoProtocols(t, func(t *testing.T, overTLS bool) {
		conns, fields := countedServer(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == mountPath {
				_, _ = io.WriteString(w, version2)
				return
			}
			writeSecret(w, r)
		})
		for range 5 {
			conn, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
			require.NoError(t, err)
			readTogether(t, conn)
			require.NoError(t, conn.Close())
			conns.Await(t, 0)
		}
	})
}

func TestServerThatCannotBeConnectedLeavesNoConnection(t *testing.T) {
	storetest.TwoProtocols(t, func(t *testing.T, overTLS bool) {
		conns, fields := countedServer(t, overTLS, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"errors":["Vault is sealed"]}`)
		})
		login := map[string]string{
			"vaultAddr": fields["vaultAddr"], "skipVerify": "true", "authMethod": "approle", "roleID": "r",
		}
		for range 5 {
			for _, fields := range []map[string]string{fields, login} {
				_, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
				require.Error(t, err)
				conns.Await(t, 0)
			}
		}
	})
}

func TestConnectionsEndWithTheirToken(t *testing.T) {
	storetest.TwoProtocols(t, func(t *testing.T, overTLS bool) {
		file := storetest.FileWith(t, "token-a")
		var known atomic.Value
		known.Store("token-a")
		conns, fields := countedServer(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Vault-Token") != known.Load() {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			writeSecret(w, r)
		})
		store.SetField(fields, "vaultToken", "")
		store.SetField(fields, "vaultTokenMountPath", file)
		conn := unchecked(t, fields)
		for _, next := range []string{"token-b", "token-c", "token-d", "token-e"} {
			known.Store(next)
			require.NoError(t, os.WriteFile(file, []byte(next), 0o600))
			_, err := conn.Get(t.Context(), "a")
			require.NoError(t, err)
			conns.Await(t, 1)
		}
		require.NoError(t, conn.Close())
		conns.Await(t, 0)
	})
}

// The call is not interrupted, and its connection is not reused.
func TestCallThatOutlivesItsSessionEndsItsConnection(t *testing.T) {
	storetest.TwoProtocols(t, func(t *testing.T, overTLS bool) {
		arrived, answer := make(chan struct{}), make(chan struct{})
		conns, fields := countedServer(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-answer
			writeSecret(w, r)
		})
		conn := unchecked(t, fields)
		failed := make(chan error)
		get := func() {
			_, err := conn.Get(context.WithoutCancel(t.Context()), "a")
			failed <- err
		}
		go get()
		<-arrived
		require.NoError(t, conn.Close())
		go get() // like a call that its request has abandoned
		<-arrived
		close(answer)
		require.NoError(t, <-failed)
		require.NoError(t, <-failed)
		conns.Await(t, 0)
	})
}

func TestSessionThatIsMadeAfterCloseKeepsNoConnection(t *testing.T) {
	storetest.TwoProtocols(t, func(t *testing.T, overTLS bool) {
		arrived := make(chan struct{})
		var asked atomic.Int32
		conns, fields := countedServer(t, overTLS, func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) > 1 {
				writeSecret(w, r)
				return
			}
			arrived <- struct{}{}
			<-r.Context().Done()
		})
		conn := unchecked(t, fields)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		failed := make(chan error)
		go func() {
			_, err := conn.Get(timedOut{ctx}, "a")
			failed <- err
		}()
		<-arrived
		require.NoError(t, conn.Close())
		cancel(context.DeadlineExceeded)
		require.Equal(t, credential.Timeout, credential.KindOf(<-failed), "the call creates a session")
		_, err := conn.Get(t.Context(), "a")
		require.NoError(t, err)
		conns.Await(t, 0)
	})
}

// The race detector notices a lock that is missing.
func TestCallsThatTimeOutTogetherReplaceTheSession(t *testing.T) {
	c := unchecked(t, map[string]string{"vaultToken": "t"})
	first := c.current()
	storetest.Together(t, store.DefaultConcurrency, func() error {
		c.reconnect(c.current())
		return nil
	})
	require.NotSame(t, first, c.current())
	require.NoError(t, c.Close())
}

// A login may succeed while a call that has timed out opens its connections.
func TestNewLoginIsNotReplacedByAnOlderSession(t *testing.T) {
	v := newAuthServer(t)
	c := connected(t, storetest.DevNull(t), approle(v)).(*conn)
	used := c.current()
	older, err := open(c.settings, c.room)
	require.NoError(t, err)
	older.token, older.grant = used.token, used.grant
	next, err := c.loginAfter(t.Context(), used)
	require.NoError(t, err)
	require.NotSame(t, used, next)

	require.Same(t, next, c.replace(used, older))
	require.Same(t, next, c.current())
	require.NoError(t, next.grant.ended.Err(), "its token is renewed")
}

// timedOut is a context whose deadline passes when the test says so.
type timedOut struct{ context.Context }

func (c timedOut) Err() error {
	if c.Context.Err() == nil {
		return nil
	}
	return context.Cause(c.Context)
}

// readTogether makes the maximum number of concurrent reads.
func readTogether(t *testing.T, conn store.SecretConn) {
	t.Helper()
	storetest.Together(t, store.DefaultConcurrency, func() error {
		_, err := conn.Get(context.WithoutCancel(t.Context()), "a")
		return err
	})
}
