//go:build e2e && cloud

package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"cloud.google.com/go/datastore/apiv1/datastorepb"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"credential-resolver/backend/gcp/gcptest"
	"credential-resolver/test/harness"
)

func startFakeGCS(t *testing.T) *harness.FakeGCS {
	t.Helper()
	gcs, err := harness.StartFakeGCS(t.Context(), binary(t, "FAKE_GCS_SERVER", "fake-gcs-server"))
	if gcs != nil {
		t.Cleanup(gcs.Remove)
	}
	require.NoError(t, err)
	return gcs
}

func TestCloudBucket(t *testing.T) {
	t.Parallel()
	gcs := startFakeGCS(t)
	c := configStoreCase{
		kind: "bindings.gcp.bucket", server: gcs.Server, emulator: map[string]any{"configStore.endpoint": gcs.URL()}, connectionless: true,
	}
	c.create = func(t *testing.T) { require.NoError(t, gcs.CreateBucket(t.Context(), "credential-configs")) }
	c.run(t)
}

// TestCloudBucketObjects asks for objects that somebody else stored.
func TestCloudBucketObjects(t *testing.T) {
	t.Parallel()
	gcs := startFakeGCS(t)
	require.NoError(t, gcs.CreateBucket(t.Context(), "credential-configs"))
	c := configStoreCase{kind: "bindings.gcp.bucket", server: gcs.Server, emulator: map[string]any{"configStore.endpoint": gcs.URL()}}
	name := func(guid string) string {
		return "persistent-artifacts/apps/myapp/credentials/" + guid + "/config.json"
	}
	put := func(ctx context.Context, guid, text string) error {
		return gcs.PutObject(ctx, "credential-configs", name(guid), text)
	}
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, map[string]any{"allowBulk": "true", "cacheTTL": "1h"}),
		c.component(t, "elsewhere", s, map[string]any{"configStore.bucket": "another-bucket"}))

	for _, host := range []string{"first", "second"} {
		require.NoError(t, put(t.Context(), "multi", `{"host":"`+host+`"}`))
		for range 2 {
			require.Equal(t, host, c.ask(t, side, "credentials", "multi", "refresh=true").entries["host"])
		}
	}
	require.NoError(t, gcs.DeleteObject(t.Context(), "credential-configs", name("multi")))
	require.Equal(t, codes.NotFound.String(), seenCode(t, c.ask(t, side, "credentials", "multi", "refresh=true").message))
	c.sees(t, side, "what holds the configs is missing", "elsewhere", "multi", codes.Unavailable)
	require.NoError(t, put(t.Context(), "huge", `{"host":"`+strings.Repeat("x", 1<<20)+`"}`))
	c.sees(t, side, "over 1 MiB", "credentials", "huge", codes.FailedPrecondition)
	require.NoError(t, put(t.Context(), "huge", `{"host":"x"}`))

	var puts errgroup.Group
	puts.SetLimit(8)
	for i := range 1001 {
		puts.Go(func() error { return put(t.Context(), fmt.Sprintf("many-%d", i), `{"host":"x"}`) })
	}
	require.NoError(t, puts.Wait())
	require.Len(t, strings.Fields(c.command(t, c.component(t, "credentials", s, nil), "list")), 1002)
	c.requireQuiet(t, side.component.Log())
}

// TestCloudFirestore runs the store on a fake that implements Google's own interface, because no
// emulator of Firestore's Datastore mode is a package of its own.
func TestCloudFirestore(t *testing.T) {
	t.Parallel()
	database, err := gcptest.NewDatastore(nil, "")
	require.NoError(t, err)
	t.Cleanup(database.Stop)
	const kind = "state.gcp.firestore"
	s := newStores(t)
	component := func(name string, changes map[string]any) resource {
		metadata := storeFile(t, kind)
		maps.Copy(metadata, map[string]any{
			"configStore.endpoint": database.Address, "secretStore.secretsFile": s.path("secrets.json"), "allowedSecrets": "*",
		})
		maps.Copy(metadata, changes)
		return credentials(name, metadata)
	}
	put := func(guid, config string) {
		database.Put("DaprState", "myapp||"+guid, map[string]*datastorepb.Value{"Value": gcptest.Text(config)})
	}
	side := startSidecar(t, harness.ComponentOptions{}, component("c", map[string]any{"allowBulk": "true", "cacheTTL": "0s"}))
	fails := func(guid, what string, code codes.Code) {
		entries, failure := side.get(t, "c", guid)
		require.Empty(t, entries)
		require.NotContains(t, failure, database.Address)
		sees(t, kind, what, seenCode(t, failure))
		require.Equal(t, code.String(), seenCode(t, failure), what)
	}
	put("one", `{"a":1.50,"b":12345678901234567890}`)
	entries, failure := side.get(t, "c", "one")
	require.Empty(t, failure)
	require.Equal(t, map[string]string{"a": "1.50", "b": "12345678901234567890"}, entries)

	writer := configStoreCase{kind: kind}
	require.Equal(t, "one\n", writer.command(t, component("c", nil), "list"))
	putInto(t, component("c", nil), t.TempDir(), "two", `{"a":1.0}`)
	entries, _ = side.get(t, "c", "two")
	require.Equal(t, map[string]string{"a": "1.0"}, entries)
	writer.command(t, component("c", nil), "delete", "two")

	fails("two", "missing", codes.NotFound)
	database.Put("DaprState", "myapp||other", map[string]*datastorepb.Value{"other": gcptest.Text("{}")})
	fails("other", "stored by another program", codes.FailedPrecondition)
	database.Fail(status.Error(codes.NotFound, "The database (default) does not exist for project my-project"))
	fails("one", "what holds the configs is missing", codes.Unavailable)
	database.Fail(nil)
	database.Stop()
	fails("one", "unreachable", codes.Unavailable)
	require.NoError(t, database.Start())
	require.Eventually(t, func() bool {
		_, failure := side.get(t, "c", "one")
		return failure == ""
	}, patience, tick)
	sees(t, kind, "reachable again", codes.OK.String())
	require.NotContains(t, side.component.Log(), database.Address)
}
