//go:build e2e && stores

package e2e

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

func TestStoreEtcd(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"state.etcd", "state.etcd/v1"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			server, err := harness.StartEtcd(t.Context())
			require.NoError(t, err)
			t.Cleanup(server.Remove)
			require.NoError(t, server.Allow(t.Context(), "credentials", "myapp/", clientv3.PermissionType(clientv3.PermRead)))
			require.NoError(t, server.Allow(t.Context(), "writer", "myapp/", clientv3.PermissionType(clientv3.PermReadWrite)))
			require.NoError(t, server.Allow(t.Context(), "barred", "other/", clientv3.PermissionType(clientv3.PermReadWrite)))
			user := func(name string) map[string]any {
				cert, key, err := server.CA.Issue(name)
				require.NoError(t, err)
				return map[string]any{"configStore.cert": cert, "configStore.key": key}
			}
			metadata := user("credentials")
			metadata["configStore"] = kind
			metadata["configStore.endpoints"] = server.Address
			metadata["configStore.ca"] = server.CA.Certificate
			c := configStoreCase{
				kind: "state.etcd", row: kind, server: server.Server, metadata: metadata,
				writer:   user("writer"),
				refused:  map[string]map[string]any{"no permission": user("barred"), "unknown user": user("nobody")},
				canaries: []string{"PRIVATE KEY"},
			}
			c.run(t)
			c.etcdVersions(t, map[string]string{"state.etcd": "state.etcd/v1", "state.etcd/v1": "state.etcd/v2"}[kind])
		})
	}
}

// etcdVersions reads stored configs with the other version of the store. It also lists with a
// prefix for which contrib looks in the wrong place.
func (c configStoreCase) etcdVersions(t *testing.T, other string) {
	want := map[string]codes.Code{"state.etcd/v1": codes.FailedPrecondition, "state.etcd/v2": codes.Unavailable}
	s := newStores(t)
	side := startSidecar(t, harness.ComponentOptions{},
		c.component(t, "credentials", s, map[string]any{"configStore": other}))
	c.sees(t, side, "stored by another version", "credentials", "multi", want[other])

	writer := c.component(t, "writer", s, maps.Clone(c.writer))
	writer.metadata["configStore.keyPrefixPath"] = "myapp/"
	putInto(t, writer, t.TempDir(), "slashed", "{}")
	require.Contains(t, c.command(t, writer, "get", "slashed"), "{}")
	out, err := c.tryCommand(t, writer, "list")
	require.Error(t, err)
	require.Contains(t, out, "cannot list")
}
