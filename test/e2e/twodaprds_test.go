//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestTwoDaprds runs two daprds with one component. Both have a Component named "credentials",
// with separate stores. While A is killed and started, and B's Component is edited, no daprd
// may get the other's answer. When A has ended, its stores must close.
func TestTwoDaprds(t *testing.T) {
	t.Parallel()
	sockets := socketFolder(t)
	component := startComponent(t, harness.ComponentOptions{
		SocketFolder: sockets, Args: []string{"--allow-core-dumps"}, // the test reads its file descriptors
	})
	database := filepath.Join(t.TempDir(), "a.db")
	storeA, storeB := credentials("credentials", map[string]any{
		"environment": "local", "configStore.connectionString": database,
	}), newStores(t)
	putInto(t, storeA, "", "who", `{"it":"a"}`)
	storeB.config(t, "who", `{"it":"b"}`)
	b := credentials("credentials", storeB.metadata(nil))
	folderA, folderB := newResourceFolder(t, storeA), newResourceFolder(t, b)

	var daprdA atomic.Pointer[harness.Daprd]
	daprdA.Store(startDaprd(t, sockets, folderA))
	daprdB := startDaprd(t, sockets, folderB)
	require.NotZero(t, openFiles(t, component.Process, database))

	ctx, cancel := context.WithCancel(t.Context())
	askedA := hammer(ctx, daprdA.Load, "a")
	askedB := hammer(ctx, func() *harness.Daprd { return daprdB }, "b")
	for i := range 4 {
		daprdA.Load().Kill()
		b.metadata = maps.Clone(b.metadata)
		b.metadata["requestTimeout"] = fmt.Sprintf("%ds", 11+i)
		folderB.write(t, b)
		daprdA.Store(startDaprd(t, sockets, folderA))
		before := askedA.right.Load()
		require.Eventually(t, func() bool { return askedA.right.Load() > before+10 }, patience, tick, "A does not answer again")
	}
	require.Eventually(t, func() bool { return count(daprdB, "Component updated: ") == 4 }, patience, tick, "want four edits of B")
	cancel()
	askedA.wait.Wait()
	askedB.wait.Wait()
	require.Empty(t, askedA.wrong.Load(), "A got another daprd's answer")
	require.Empty(t, askedB.wrong.Load(), "B got another daprd's answer")
	require.Greater(t, askedB.right.Load(), int64(100))
	t.Logf("right answers: A %d, B %d", askedA.right.Load(), askedB.right.Load())

	require.NotZero(t, openFiles(t, component.Process, database))
	daprdA.Load().Kill()
	require.Eventually(t, func() bool { return openFiles(t, component.Process, database) == 0 }, patience, tick,
		"the stores of a daprd that has ended stay open")
	require.EventuallyWithT(t, func(c *assert.CollectT) { // daprd reports an update before it is complete
		r, err := ask(t.Context(), daprdB, "credentials", "who")
		require.NoError(c, err)
		require.Equal(c, "b", r.entries["it"], r.message)
	}, patience, tick)
}

// answers are the answers that one daprd's application got.
type answers struct {
	wait  sync.WaitGroup
	right atomic.Int64
	wrong atomic.Value // the first answer, as a string, that was neither right nor an error
}

// hammer requests the credential on several connections until ctx ends.
func hammer(ctx context.Context, daprd func() *harness.Daprd, want string) *answers {
	a := &answers{}
	a.wrong.Store("")
	for range 2 {
		a.wait.Go(func() {
			for ctx.Err() == nil {
				r, err := ask(ctx, daprd(), "credentials", "who")
				switch {
				case err != nil || r.message != "": // daprd is down or reloads
				case r.entries["it"] == want:
					a.right.Add(1)
				default:
					a.wrong.CompareAndSwap("", fmt.Sprint(r))
				}
			}
		})
	}
	return a
}

// openFiles returns how many descriptors a process has of a file and of files with that name as
// a prefix, such as a database's log.
func openFiles(t *testing.T, p *harness.Process, path string) int {
	t.Helper()
	n := 0
	for _, target := range descriptors(t, p) {
		if strings.HasPrefix(target, path) {
			n++
		}
	}
	return n
}
