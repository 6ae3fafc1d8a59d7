//go:build e2e

package e2e

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

var reloads = flag.Int("reloads", 10, "how often TestReloads edits a Component")

// duringReload lists the only failures that a request may get while a Component is edited. All
// come from daprd: it closes the old store, cancels its calls, and removes the store from its
// registry before it initialises the new one.
var duringReload = []string{
	"secret store is not configured",
	"failed finding secret store with key credentials",
	"failed getting secret with key c from secret store credentials: rpc error: code = Canceled desc = context canceled",
	"failed getting secret with key c from secret store credentials: " +
		"rpc error: code = Canceled desc = grpc: the client connection is closing",
}

// TestReloads edits the Component under load. After each edit, the new answer must come, and no
// caller may see an old answer after a new one. Only daprd's own failures are allowed. At the
// end, the component must hold no more resources than at the start.
func TestReloads(t *testing.T) {
	t.Parallel()
	// The config is in a database, so that an unclosed store shows as an open file. The version
	// is in a separate file of secrets.
	s := newStores(t)
	r := credentials("credentials", nil)
	edit := func(version int) {
		file := s.path("secrets-" + strconv.Itoa(version) + ".json")
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `{"its-version":"%d"}`, version), 0o600))
		r.metadata = map[string]any{
			"configStore.connectionString": s.path("configs.db"),
			"secretStore":                  "secretstores.local.file", "secretStore.secretsFile": file,
		}
	}
	edit(0)
	putInto(t, r, "", "c", `{"credentialSource":"agent","version":"its-version"}`)
	side := startSidecar(t, harness.ComponentOptions{Metrics: true, Args: []string{"--allow-core-dumps"}}, r)
	metrics := side.component.Metrics
	requireVersion(t, side.daprd, 0)
	_ = metric(t, metrics, "go_goroutines") // opens the metrics connection, which stays open
	before := footprintOf(t, side.component.Process, metrics)

	ctx, cancel := context.WithCancel(t.Context())
	seen := &outcomes{failures: map[string]int{}}
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() { seen.ask(ctx, side.daprd) })
	}
	for version := 1; version <= *reloads; version++ {
		edit(version)
		side.folder.write(t, r)
		requireVersion(t, side.daprd, version)
	}
	cancel()
	load.Wait()
	edit(*reloads + 1) // so that the stores are as fresh as at the start
	side.folder.write(t, r)
	requireVersion(t, side.daprd, *reloads+1)

	require.Empty(t, seen.broken)
	require.Greater(t, seen.answers, *reloads)
	for _, failure := range slices.Sorted(maps.Keys(seen.failures)) {
		t.Logf("%d x %s", seen.failures[failure], failure)
		require.Contains(t, duringReload, failure, "got a failure that does not come from daprd")
	}
	var after footprint
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		after = footprintOf(t, side.component.Process, metrics)
		require.InDelta(c, before.descriptors, after.descriptors, 1)
		require.InDelta(c, before.sockets, after.sockets, 1)
		require.InDelta(c, before.goroutines, after.goroutines, 5)
	}, patience, 10*tick, "the component holds more after %d reloads: before %+v", *reloads, before)
	t.Logf("%d reloads, %d answers; before %+v, after %+v", *reloads, seen.answers, before, after)
}

// TestEditedStoreIsAway edits a Component until daprd has answered that the store does not
// exist: with HTTP 500 if it is the only secret store, otherwise with 401. Both are temporary.
func TestEditedStoreIsAway(t *testing.T) {
	t.Parallel()
	s := oneCredential(t)
	for name, test := range map[string]struct {
		beside []resource
		want   reply
	}{
		"the only secret store": {nil, reply{
			status: http.StatusInternalServerError, code: "ERR_SECRET_STORES_NOT_CONFIGURED", message: "secret store is not configured",
		}},
		"beside another": {[]resource{credentials("others", s.metadata(nil))}, reply{
			status: http.StatusUnauthorized, code: "ERR_SECRET_STORE_NOT_FOUND", message: "failed finding secret store with key credentials",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := credentials("credentials", s.metadata(nil))
			side := startSidecar(t, harness.ComponentOptions{}, append(test.beside, r)...)
			requireServes(t, side.daprd)
			ctx, cancel := context.WithCancel(t.Context())
			seen := make(chan struct{})
			var asking sync.WaitGroup
			asking.Go(func() {
				for ctx.Err() == nil {
					got, err := ask(ctx, side.daprd, "credentials", "c")
					if err == nil && reflect.DeepEqual(got, test.want) {
						close(seen)
						return
					}
				}
			})
			defer asking.Wait()
			defer cancel()
			for edits, away := 1, false; !away; edits++ {
				require.Less(t, edits, 100, "daprd has never answered without its store")
				r.metadata["requestTimeout"] = fmt.Sprintf("%ds", 10+edits)
				side.folder.write(t, r)
				require.Eventually(t, func() bool { return count(side.daprd, "Component updated: ") >= edits }, patience, tick)
				select {
				case <-seen:
					away = true
				default:
				}
			}
			requireAnswers(t, side)
		})
	}
}

// requireVersion waits for the answer with an edit's version.
func requireVersion(t *testing.T, daprd *harness.Daprd, version int) {
	t.Helper()
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		r, err := ask(t.Context(), daprd, "credentials", "c")
		require.NoError(c, err)
		require.Equal(c, strconv.Itoa(version), r.entries["version"], r.message)
	}, patience, tick)
}

// outcomes collects the answers to requests for one credential, whose version only increases.
type outcomes struct {
	mu       sync.Mutex
	answers  int
	failures map[string]int
	broken   []string
}

// ask sends requests until ctx ends.
func (o *outcomes) ask(ctx context.Context, daprd *harness.Daprd) {
	last := 0
	for {
		r, err := ask(ctx, daprd, "credentials", "c")
		if ctx.Err() != nil {
			return
		}
		version, notNumber := strconv.Atoi(r.entries["version"])
		o.mu.Lock()
		switch {
		case err != nil:
			o.broken = append(o.broken, err.Error())
		case r.message != "":
			o.failures[r.message]++
		case notNumber != nil || version < last:
			o.broken = append(o.broken, fmt.Sprintf("%v after version %d", r, last))
		default:
			o.answers++
			last = version
		}
		o.mu.Unlock()
	}
}

// footprint is the resources that a component's process holds.
type footprint struct{ descriptors, sockets, goroutines, threads int }

func footprintOf(t *testing.T, p *harness.Process, metrics string) footprint {
	t.Helper()
	open := descriptors(t, p)
	f := footprint{descriptors: len(open)}
	for _, target := range open {
		if strings.HasPrefix(target, "socket:") {
			f.sockets++
		}
	}
	f.goroutines = int(metric(t, metrics, "go_goroutines"))
	f.threads = int(metric(t, metrics, "go_threads"))
	return f
}
