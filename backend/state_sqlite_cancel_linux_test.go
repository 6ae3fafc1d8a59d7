package backend

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
)

// TestCancelledReadsLeaveNothingOpen cancels reads at random moments, as daprd does when a
// Component is edited. Before 1.40.1, modernc.org/sqlite leaked a statement if its context
// ended while it answered. The connection then stayed open after Close, with its locks.
func TestCancelledReadsLeaveNothingOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.db")
	conn, err := connectSQLite(t.Context(), map[string]string{"connectionString": path}, logger.NewLogger("test"))
	require.NoError(t, err)
	for range 3000 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(rand.N(100*time.Microsecond), cancel)
		_, _ = conn.Get(ctx, "k")
		cancel()
	}
	require.NoError(t, conn.Close())
	require.Empty(t, openUnder(t, path), "after Close")
}

// openUnder returns the paths of this process's open files that begin with path.
func openUnder(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	var open []string
	for _, e := range entries {
		if target, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.HasPrefix(target, path) {
			open = append(open, target)
		}
	}
	return open
}

func TestStoresInFoldersLeaveNothingOpen(t *testing.T) {
	for storeType, field := range map[string]string{"state.sqlite": "connectionString", "bindings.localstorage": "rootPath"} {
		t.Run(storeType, func(t *testing.T) {
			folder := t.TempDir()
			fields := map[string]string{field: folder}
			if storeType == "state.sqlite" {
				fields[field] = filepath.Join(folder, "c.db")
			}
			conn, err := configStores()[storeType].Connect(t.Context(), fields, logger.NewLogger("test"))
			require.NoError(t, err)
			require.NoError(t, conn.Set(t.Context(), "k", []byte("{}")))
			_, err = conn.(store.Lister).List(t.Context(), "{guid}", "")
			require.NoError(t, err)
			require.NotContains(t, openUnder(t, folder), folder)
			require.NoError(t, conn.Close())
			require.Empty(t, openUnder(t, folder))
		})
	}
}
