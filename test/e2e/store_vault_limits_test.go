//go:build e2e && stores

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
)

// TestStoreVaultBreaker stops Vault. While the breaker is open, a request must be answered at
// once. After Vault is back, a request must succeed within the breaker's interval (5 s).
func TestStoreVaultBreaker(t *testing.T) { onEachVault(t, vaultBreaker) }

func vaultBreaker(t *testing.T, v *vaultStore) {
	v.start(t, v.component(t, "wide", nil))
	v.answers(t, "wide", "crm-api")
	require.NoError(t, v.Stop())

	open := func() (took time.Duration) {
		begin := time.Now()
		_, failure := v.ask(t, "wide", "crm-api")
		require.Contains(t, failure, "code = Unavailable")
		return time.Since(begin)
	}
	require.Eventually(t, func() bool { open(); return contains(v.side.component, "its circuit breaker is open for 5s") }, patience, tick)
	var slowest time.Duration
	for range 20 {
		slowest = max(slowest, open())
	}

	require.NoError(t, v.Restart(t.Context()))
	require.NoError(t, v.Unseal(t.Context()))
	begin := time.Now()
	v.recovers(t, "wide", "crm-api")
	t.Logf("with the breaker open the slowest of 20 requests took %v; the first answer came %v after Vault was back",
		slowest.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
	require.True(t, contains(v.side.component, "answers again"))
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
	require.Equal(t, vaultCanary, v.answers(t, "wide", "twelve")["two"])
	after, err := v.Reads("secret/data/")
	require.NoError(t, err)
	proofs := after - before - 12 // requests that check the mount, for 9 literals
	require.Positive(t, proofs, "requests in Vault's own audit log")
	require.LessOrEqual(t, proofs, 9)

	var bundle, twelve []time.Duration
	for range 21 { // alternate, because the load of the machine varies
		bundle = append(bundle, v.takes(t, "wide", "analytics-db"))
		twelve = append(twelve, v.takes(t, "wide", "twelve"))
	}
	slices.Sort(bundle)
	slices.Sort(twelve)
	t.Logf("a credential with 12 strings of which 3 are secrets took 12 requests, %d for the mount, and %v, "+
		"%.1f times a bundle's one request (medians)",
		proofs, twelve[10].Round(time.Microsecond), float64(twelve[10])/float64(bundle[10]))
}

// takes requests a credential and returns how long that took.
func (v *vaultStore) takes(t *testing.T, component, guid string) time.Duration {
	t.Helper()
	begin := time.Now()
	v.answers(t, component, guid)
	return time.Since(begin)
}
