//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// breaker is a usual policy for components. It is wrong for ours.
const breaker = `apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata:
  name: credentials
spec:
  policies:
    circuitBreakers:
      simple: { maxRequests: 1, timeout: 60s, trip: consecutiveFailures > 2 }
  targets:
    components:
      credentials:
        outbound: { circuitBreaker: simple }
`

// TestCircuitBreaker shows a trap of daprd: requests for credentials that do not exist count as
// failures of the whole store. After three of them, the breaker blocks every credential.
func TestCircuitBreaker(t *testing.T) {
	t.Parallel()
	side := resilientSidecar(t, harness.ComponentOptions{SocketFolder: socketFolder(t)}, breaker)
	for range 3 {
		require.Contains(t, side.ask(t, "credentials", "nowhere").message, "code = NotFound")
	}
	require.Equal(t, "failed getting secret with key c from secret store credentials: circuit breaker is open",
		side.ask(t, "credentials", "c").message)
}

// TestShippedResiliency uses the policy in deploy/resiliency.yaml. A request for a missing
// credential takes a few seconds and must not block other requests.
func TestShippedResiliency(t *testing.T) {
	t.Parallel()
	side := resilientSidecar(t, harness.ComponentOptions{SocketFolder: socketFolder(t)}, shippedPolicy(t))
	var missing sync.WaitGroup
	for i := range 10 {
		missing.Go(func() {
			begin := time.Now()
			r, err := ask(t.Context(), side.daprd, "credentials", fmt.Sprintf("nowhere-%d", i))
			assert.NoError(t, err)
			assert.Contains(t, r.message, "code = NotFound")
			assert.InDelta(t, 3, time.Since(begin).Seconds(), 1.5, "daprd must repeat NotFound too")
		})
	}
	for range 10 {
		begin := time.Now()
		requireServes(t, side.daprd)
		require.Less(t, time.Since(begin), time.Second)
	}
	missing.Wait()
	requireServes(t, side.daprd)
}

// TestResiliencyEdited adds a policy to a running daprd. daprd then restarts within its process
// and must find the component again.
func TestResiliencyEdited(t *testing.T) {
	t.Parallel()
	side := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", oneCredential(t).metadata(nil)))
	requireServes(t, side.daprd)
	before := count(side.daprd, found)
	side.folder.writeFile(t, "resiliency.yaml", breaker)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		for range 3 {
			_, err := ask(t.Context(), side.daprd, "credentials", "nowhere")
			require.NoError(c, err)
		}
		r, err := ask(t.Context(), side.daprd, "credentials", "c")
		require.NoError(c, err)
		require.Contains(c, r.message, "circuit breaker is open")
	}, patience, 5*tick)
	requireSaidTimes(t, side.daprd, 2*before, found) // daprd has searched for components again
	side.folder.writeFile(t, "resiliency.yaml", shippedPolicy(t))
	requireAnswers(t, side)
}

// TestRestartBridged restarts the component while daprd uses the shipped policy. A request
// during the restart must be answered.
func TestRestartBridged(t *testing.T) {
	t.Parallel()
	o := harness.ComponentOptions{Binary: resolverBinary(t), SocketFolder: socketFolder(t)}
	component, err := harness.StartComponent(t.Context(), o)
	require.NoError(t, err)
	folder := newResourceFolder(t, credentials("credentials", oneCredential(t).metadata(nil)))
	folder.writeFile(t, "resiliency.yaml", shippedPolicy(t))
	daprd := startDaprd(t, o.SocketFolder, folder)
	requireServes(t, daprd)

	component.Kill()
	back := make(chan error, 1)
	time.AfterFunc(time.Second, func() {
		var err error
		component, err = harness.StartComponent(t.Context(), o)
		back <- err
	})
	begin := time.Now()
	requireServes(t, daprd)
	t.Logf("answered %v after the component was killed", time.Since(begin).Round(time.Millisecond))
	require.NoError(t, <-back)
	require.NoError(t, component.Stop())
}

func shippedPolicy(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/resiliency.yaml")
	require.NoError(t, err)
	return string(text)
}

// resilientSidecar starts a sidecar with the credential of oneCredential and a Resiliency
// policy.
func resilientSidecar(t *testing.T, o harness.ComponentOptions, policy string) *sidecar {
	t.Helper()
	component := startComponent(t, o)
	folder := newResourceFolder(t, credentials("credentials", oneCredential(t).metadata(nil)))
	folder.writeFile(t, "resiliency.yaml", policy)
	return &sidecar{component, startDaprd(t, o.SocketFolder, folder), o.SocketFolder, folder}
}
