package vault

import (
	"context"
	"errors"
	"net/http"
	"os"
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
	path := filepath.Join(storetest.OpenFolder(t), "token")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	server := &scriptedServer{status: http.StatusForbidden, body: `{"errors":["permission denied"]}`}
	conn := server.connect(t, storetest.DevNull(t), map[string]string{"vaultToken": "", "vaultTokenMountPath": path})
	_, err := conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err, "the file still has the refused token")
	storetest.Forbid(t, path)
	storetest.AsNobody(func() { _, err = conn.Get(context.Background(), "a") })
	storetest.RequireKind(t, credential.Unavailable, err, "%+v", errors.Unwrap(err))
}

// A permanent error would end daprd.
func TestFilesThatCannotBeReadYetAreWaitedFor(t *testing.T) {
	path := storetest.Unreadable(t)
	for name, fields := range map[string]map[string]string{
		"the token":       {"vaultTokenMountPath": path},
		"the authority":   {"vaultToken": "t", "caCert": path},
		"the authorities": {"vaultToken": "t", "caPath": filepath.Dir(path)},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			storetest.AsNobody(func() { _, err = Type().Connect(context.Background(), fields, storetest.DevNull(t)) })
			require.Error(t, err)
			var final *store.PermanentError
			require.False(t, errors.As(err, &final), "%v", err)
		})
	}
}
