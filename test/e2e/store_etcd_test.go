//go:build e2e && stores

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"credential-resolver/test/harness"
)

func TestStoreEtcd(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"state.etcd", "state.etcd/v2"} {
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
			configStoreCase{
				kind: "state.etcd", row: kind, server: server.Server, metadata: metadata,
				writer:  user("writer"),
				refused: map[string]map[string]any{"no permission": user("barred"), "unknown user": user("nobody")},
			}.run(t)
		})
	}
}
