package kubernetes

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// A file that cannot be read now may become readable soon, so this is Unavailable and the last
// good answer is served.
func TestTokenFileThatCannotBeReadNowIsUnavailable(t *testing.T) {
	k := newScriptedServer(t, map[string]string{"a": secretThere, "team": namespaceThere})
	k.token.Store("old")
	path := filepath.Join(storetest.OpenFolder(t), "token")
	storetest.ReplaceFile(t, path, "old")
	conn := connectBy(t, k.kubeconfig(t, map[string]any{"tokenFile": path}, nil))
	k.token.Store("new")
	storetest.Forbid(t, path)
	var err error
	storetest.AsNobody(func() { _, err = conn.Get(context.Background(), "a") })
	storetest.RequireKind(t, credential.Unavailable, err, "%+v", errors.Unwrap(err))
}

// A permanent error would end daprd.
func TestKubeconfigThatMayNotBeReadIsWaitedFor(t *testing.T) {
	path := storetest.Unreadable(t)
	var err error
	storetest.AsNobody(func() {
		_, err = connect(context.Background(), map[string]string{"kubeconfigPath": path}, storetest.DevNull(t), false)
	})
	require.Error(t, err)
	var final *store.PermanentError
	require.False(t, errors.As(err, &final), "%v", err)
}
