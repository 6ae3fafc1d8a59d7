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

// TestTwoDaprds has two daprds on one component, both with a Component named
// credentials, on stores of their own. While A is killed and started, and B's
// Component is edited, neither ever sees the other's answer; and when A has ended,
// its stores close.
func TestTwoDaprds(t *testing.T) {
	t.Parallel()
	sockets := socketFolder(t)
	component := startComponent(t, harness.ComponentOptions{
		SocketFolder: sockets, Args: []string{"--allow-core-dumps"}, // its descriptors are looked at
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
	require.Eventually(t, func() bool { return count(daprdB, "Component updated: ") == 4 }, patience, tick, "B's edits")
	cancel()
	askedA.wait.Wait()
	askedB.wait.Wait()
	require.Empty(t, askedA.wrong.Load(), "A saw another's answer")
	require.Empty(t, askedB.wrong.Load(), "B saw another's answer")
	require.Greater(t, askedB.right.Load(), int64(100))
	t.Logf("right answers: A %d, B %d", askedA.right.Load(), askedB.right.Load())

	require.NotZero(t, openFiles(t, component.Process, database))
	daprdA.Load().Kill()
	require.Eventually(t, func() bool { return openFiles(t, component.Process, database) == 0 }, patience, tick,
		"the stores of a daprd that has ended stay open")
	require.EventuallyWithT(t, func(c *assert.CollectT) { // daprd says that it has updated before it has
		r, err := ask(t.Context(), daprdB, "credentials", "who")
		require.NoError(c, err)
		require.Equal(c, "b", r.entries["it"], r.message)
	}, patience, tick)
}

// answers are those that one daprd's application got.
type answers struct {
	wait  sync.WaitGroup
	right atomic.Int64
	wrong atomic.Value // the first that was neither right nor an error; a string
}

// hammer asks who it is, on several connections, until ctx ends.
func hammer(ctx context.Context, daprd func() *harness.Daprd, want string) *answers {
	a := &answers{}
	a.wrong.Store("")
	for range 2 {
		a.wait.Go(func() {
			for ctx.Err() == nil {
				r, err := ask(ctx, daprd(), "credentials", "who")
				switch {
				case err != nil || r.message != "": // daprd is away, or reloads
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

// openFiles returns how many descriptors a process has of a file and of those
// that are named like it with an ending, such as a database's log.
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
