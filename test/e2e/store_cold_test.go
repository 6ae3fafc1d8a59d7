//go:build e2e && stores

package e2e

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// coldRequests is the number of concurrent requests for a credential that is not cached.
const coldRequests = 10_000

// TestStoreColdCredential sends many concurrent requests for one credential while Vault is
// slow. By their own counts, the stores must be asked once.
func TestStoreColdCredential(t *testing.T) {
	t.Parallel()
	v := startVault(t, harness.OpenBao())
	redis, err := harness.StartRedis(t.Context(), "admin-canary-2f40", "reader on >reader-canary-6e13 ~* +ping +info +hgetall +get")
	require.NoError(t, err)
	t.Cleanup(redis.Remove)
	_, err = redis.Do(t.Context(), "HSET", "cold", "data", `{"credentialSource":"agent","secret-path":"warehouse","password":"password"}`, "version", "1")
	require.NoError(t, err)
	v.start(t, credentials("cold", map[string]any{
		"configStore": "state.redis", "configStore.redisHost": redis.Address,
		"configStore.redisUsername": "reader", "configStore.redisPassword": "reader-canary-6e13",
		"secretStore": "secretstores.hashicorp.vault", "secretStore.vaultAddr": v.URL(),
		"secretStore.vaultToken": v.token(t, "wide"),
		"cacheTTL":               "1h", "storeTimeout": "1h", "requestTimeout": "1h",
	}))
	configs, secrets := configReads(t, redis), v.reads(t)
	client := v.side.sdk(t)

	require.NoError(t, v.Hang())
	var begun, all sync.WaitGroup
	begun.Add(coldRequests)
	for range coldRequests {
		all.Go(func() {
			begun.Done()
			answer, err := client.GetSecret(t.Context(), "cold", "cold", nil)
			assert.NoError(t, err)
			assert.Equal(t, vaultCanary, answer["password"])
		})
	}
	begun.Wait()
	require.Eventually(t, func() bool { return configReads(t, redis) > configs }, patience, tick)
	require.NoError(t, v.Continue())
	all.Wait()
	require.Equal(t, 1, configReads(t, redis)-configs, "reads of the config")
	require.Equal(t, 1, v.reads(t)-secrets, "reads of the secret in Vault's own audit log")
}

// configReads returns how often configs have been read.
func configReads(t *testing.T, redis *harness.Redis) int {
	t.Helper()
	n, err := redis.Reads(t.Context())
	require.NoError(t, err)
	return n
}
