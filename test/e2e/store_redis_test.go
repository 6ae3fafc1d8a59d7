//go:build e2e && stores

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// What components/stores/state.redis.yaml asks an administrator for, and its
// writer.
const (
	redisReader = "credentials on >reader-canary-7c1f ~myapp||* +ping +info +hgetall +get +scan"
	redisWriter = "writer on >writer-canary-8d2e ~myapp||* +ping +info +hgetall +get +scan +eval +hget +hset +hincrby +del"
	redisBarred = "barred on >barred-canary-9e3d ~other||* +ping +info +hgetall +get"
)

func TestStoreRedis(t *testing.T) {
	t.Parallel()
	server, err := harness.StartRedis(t.Context(), "admin-canary-6b0e", redisReader, redisWriter, redisBarred)
	require.NoError(t, err)
	t.Cleanup(server.Remove)
	user := func(name, password string) map[string]any {
		return map[string]any{"configStore.redisUsername": name, "configStore.redisPassword": password}
	}
	metadata := user("credentials", "reader-canary-7c1f")
	metadata["configStore.redisHost"] = server.Address
	configStoreCase{
		kind: "state.redis", server: server.Server, metadata: metadata,
		writer: user("writer", "writer-canary-8d2e"),
		refused: map[string]map[string]any{
			"wrong password":   user("credentials", "wrong-canary-0a4f"),
			"unknown user":     user("nobody", "reader-canary-7c1f"),
			"no permission":    user("barred", "barred-canary-9e3d"),
			"without password": user("", ""),
		},
		canaries: []string{"canary"},
	}.run(t)
}
