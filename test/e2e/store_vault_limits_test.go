//go:build e2e && stores

package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
)

// TestStoreVaultBreaker stops Vault. While the breaker is open, requests must not call it.
func TestStoreVaultBreaker(t *testing.T) { onEachVault(t, vaultBreaker) }

func vaultBreaker(t *testing.T, v *vaultStore) {
	v.start(t, v.component(t, "wide", nil))
	v.answers(t, "wide", "crm-api")
	require.NoError(t, v.Stop())

	fails := func() {
		_, failure := v.ask(t, "wide", "crm-api")
		require.Contains(t, failure, "code = Unavailable")
	}
	require.Eventually(t, func() bool { fails(); return contains(v.side.component, "its circuit breaker is open for 5s") }, patience, tick)
	calls := v.refuseCalls(t)
	begin := time.Now()
	for range 20 {
		fails()
	}
	require.LessOrEqual(t, calls(), 1+int(time.Since(begin)/(5*time.Second)), "one call in each breakerInterval")

	require.NoError(t, v.Restart(t.Context()))
	require.NoError(t, v.Unseal(t.Context()))
	v.recovers(t, "wide", "crm-api")
	requireSaid(t, v.side.component, "answers again")
}

// refuseCalls closes each connection to the address of the stopped server. The function that it
// returns ends that, and returns the number of connections.
func (v *vaultStore) refuseCalls(t *testing.T) func() int {
	t.Helper()
	listener, err := net.Listen("tcp", v.Address)
	require.NoError(t, err)
	calls := make(chan int)
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				calls <- n
				return
			}
			_ = conn.Close()
		}
	}()
	return func() int {
		require.NoError(t, listener.Close())
		return <-calls
	}
}

// TestStoreVaultThreeNames uses single-key mode with a policy that allows only the secrets.
// With lookupFields, nothing else is looked up. With deniedProbe, a refused value is a literal.
func TestStoreVaultThreeNames(t *testing.T) { onEachVault(t, vaultThreeNames) }

func vaultThreeNames(t *testing.T, v *vaultStore) {
	token := v.token(t, "narrow")
	limited := func(name string, changes map[string]any) resource {
		r := v.component(t, name, changes)
		r.metadata["secretStore.vaultToken"] = token
		return r
	}
	v.start(t, limited("neither", nil),
		limited("fields", map[string]any{"lookupFields": "api_key,extra.refresh_token"}),
		limited("probe", map[string]any{"deniedProbe": "literal"}))
	defer v.requireSilence(t)

	for _, name := range []string{"fields", "probe"} {
		v.answers(t, name, "crm-api") // it is connected
		before, err := v.Reads("secret/data/")
		require.NoError(t, err)
		require.Equal(t, vaultCanary, v.answers(t, name, "crm-api")["api_key"])
		after, err := v.Reads("secret/data/")
		require.NoError(t, err)
		t.Logf("%s: %d requests", name, after-before)
		if name == "fields" {
			require.Equal(t, 2, after-before)
		}
	}
	// These are last: some of the refused credential's requests may reach Vault after its
	// answer.
	v.fails(t, "neither", "crm-api", "single-key: name that is not allowed", codes.PermissionDenied)
}

// TestStoreVaultRequests counts the requests for a single-key credential. Each of its strings
// is looked up.
func TestStoreVaultRequests(t *testing.T) { onEachVault(t, vaultRequests) }

func vaultRequests(t *testing.T, v *vaultStore) {
	config := []string{`"credentialSource":"agent","one":"analytics-db","two":"crm-api-key","three":"crm-refresh-token"`}
	for i := range 9 {
		config = append(config, fmt.Sprintf(`"field%d":"literal-%d"`, i, i))
	}
	v.configs.config(t, "twelve", "{"+strings.Join(config, ",")+"}")
	v.start(t, v.component(t, "wide", nil))
	defer v.requireSilence(t)
	before, err := v.Reads("secret/data/")
	require.NoError(t, err)
	checkedBefore, err := v.Reads("sys/internal/ui/mounts/secret")
	require.NoError(t, err)
	require.Equal(t, vaultCanary, v.answers(t, "wide", "twelve")["two"])
	after, err := v.Reads("secret/data/")
	require.NoError(t, err)
	require.Equal(t, 12, after-before, "requests in Vault's own audit log")
	checked, err := v.Reads("sys/internal/ui/mounts/secret")
	require.NoError(t, err)
	checks := checked - checkedBefore // for 9 literals
	require.Positive(t, checks)
	require.LessOrEqual(t, checks, 9)
}
