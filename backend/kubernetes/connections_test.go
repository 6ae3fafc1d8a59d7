package kubernetes

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

func TestClosedStoreLeavesNoConnection(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	fields := k.kubeconfig(t, anyUser(), nil)
	for range 5 {
		conn, err := connect(t.Context(), fields, storetest.DevNull(t), true)
		require.NoError(t, err)
		readTogether(t, conn)
		require.NoError(t, conn.Close())
		k.conns.Await(t, 0)
	}
	k.answers["team"] = "500 " + statusOf("InternalError", 500, "", "")
	for range 5 {
		_, err := connect(t.Context(), fields, storetest.DevNull(t), true)
		require.Error(t, err)
		k.conns.Await(t, 0)
	}
}

func TestConnectionsEndWithTheirToken(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("token-a")
	token := storetest.FileWith(t, "token-a")
	conn := connectBy(t, k.kubeconfig(t, map[string]any{"tokenFile": token}, nil))
	for _, next := range []string{"token-b", "token-c", "token-d"} {
		k.token.Store(next)
		storetest.ReplaceFile(t, token, next)
		_, err := conn.Get(t.Context(), "a")
		require.NoError(t, err)
		k.conns.Await(t, 1)
	}
}

// A call may still be on its way when the store is closed, and try a new token.
func TestClosedStoreGetsNoNewSession(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("old")
	token := storetest.FileWith(t, "old")
	c, err := connect(t.Context(), k.kubeconfig(t, map[string]any{"tokenFile": token}, nil), storetest.DevNull(t), true)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	session := c.(*conn).session.Load()
	k.token.Store("new")
	storetest.ReplaceFile(t, token, "new")
	_, err = c.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Same(t, session, c.(*conn).session.Load())
	k.conns.Await(t, 0)
}

// client-go would share one transport between the two stores.
func TestClosingAStoreLeavesAnothersConnection(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	fields := k.kubeconfig(t, anyUser(), nil)
	one, other := connectBy(t, fields), connectBy(t, fields)
	readTogether(t, one)
	readTogether(t, other)
	k.conns.Await(t, 2)
	require.NoError(t, one.Close())
	k.conns.Await(t, 1)
	readTogether(t, other)
	require.Equal(t, 2, k.conns.Total())
}

// readTogether makes the maximum number of concurrent reads.
func readTogether(t *testing.T, conn store.SecretConn) {
	t.Helper()
	storetest.Together(t, store.DefaultConcurrency, func() error {
		_, err := conn.Get(context.WithoutCancel(t.Context()), "a")
		return err
	})
}
