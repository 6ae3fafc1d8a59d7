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
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	open := 0
	for _, e := range entries {
		if target, _ := os.Readlink("/proc/self/fd/" + e.Name()); strings.HasPrefix(target, path) {
			open++
		}
	}
	require.Zero(t, open, "file descriptors of the database left open after Close")
}
