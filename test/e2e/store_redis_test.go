//go:build e2e && stores

package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// Users as components/stores/state.redis.yaml describes them: a reader and a writer. The other
// two lack rights.
const (
	redisReader = "credentials on >reader-canary-7c1f ~myapp||* +ping +info +hgetall +get +scan"
	redisWriter = "writer on >writer-canary-8d2e ~myapp||* +ping +info +hgetall +get +scan +eval +hget +hset +hincrby +del"
	redisHalf   = "half on >half-canary-1b5a ~myapp||* +ping +info +hgetall +get +eval +hget"
	redisBarred = "barred on >barred-canary-9e3d ~other||* +ping +info +hgetall +get"
)

func TestStoreRedis(t *testing.T) {
	t.Parallel()
	server, err := harness.StartRedis(t.Context(), "admin-canary-6b0e", redisReader, redisWriter, redisHalf, redisBarred)
	require.NoError(t, err)
	t.Cleanup(server.Remove)
	user := func(name, password string) map[string]any {
		return map[string]any{"configStore.redisUsername": name, "configStore.redisPassword": password}
	}
	metadata := user("credentials", "reader-canary-7c1f")
	metadata["configStore.redisHost"] = server.Address
	c := configStoreCase{
		kind: "state.redis", server: server.Server, metadata: metadata,
		writer: user("writer", "writer-canary-8d2e"),
		refused: map[string]map[string]any{
			"wrong password":   user("credentials", "wrong-canary-0a4f"),
			"unknown user":     user("nobody", "reader-canary-7c1f"),
			"no permission":    user("barred", "barred-canary-9e3d"),
			"without password": user("", ""),
		},
		canaries: []string{"canary"},
	}
	c.run(t)
	// The reader may not run scripts, and redisHalf lacks some of the writer's commands.
	for _, changes := range []map[string]any{nil, user("half", "half-canary-1b5a")} {
		out, err := c.tryCommand(t, c.component(t, "writer", newStores(t), changes), "delete", "multi")
		require.Error(t, err)
		require.Contains(t, out, "denied: ")
	}
	c.redisFailures(t, server)
}

// redisFailures checks failures that only Redis has. The test causes each as an administrator
// could, while the component runs.
func (c configStoreCase) redisFailures(t *testing.T, server *harness.Redis) {
	s := newStores(t)
	s.secret(t, "bundle", map[string]string{"u_key": "alice", "p_key": "multi-pw"})
	side := startSidecar(t, harness.ComponentOptions{}, c.component(t, "credentials", s, nil))
	do := func(args ...any) {
		t.Helper()
		_, err := server.Do(t.Context(), args...)
		require.NoError(t, err)
	}
	c.answersAgain(t, side, "credentials")

	do("ACL", "SETUSER", "credentials", "-hgetall", "-get")
	c.sees(t, side, "permission withdrawn", "credentials", "multi", codes.PermissionDenied)
	do("ACL", "SETUSER", "credentials", "+hgetall", "+get")
	c.answersAgain(t, side, "credentials")

	do("ACL", "SETUSER", "credentials", "resetpass", ">rotated-canary-2c6b")
	do("CLIENT", "KILL", "USER", "credentials")
	c.sees(t, side, "password changed", "credentials", "multi", codes.PermissionDenied)
	do("ACL", "SETUSER", "credentials", "resetpass", ">reader-canary-7c1f")
	c.answersAgain(t, side, "credentials")

	do("SET", "myapp||plain", `{"a":"b"}`)
	require.Equal(t, `{"a":"b"}`, c.ask(t, side, "credentials", "plain", "format=json").entries["_value"])
	do("LPUSH", "myapp||list", "x")
	c.sees(t, side, "a key of another type", "credentials", "list", codes.Unavailable)
	do("HSET", "myapp||hash", "a", "b")
	c.sees(t, side, "a hash of another writer", "credentials", "hash", codes.Unavailable)
	c.requireQuiet(t, side.component.Log())
}
