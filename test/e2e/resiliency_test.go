//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"sync"
	"testing"

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

// repeats is what daprd says when it repeats a request.
const repeats = "Retrying in "

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

// TestShippedResiliency uses the policy in deploy/resiliency.yaml. daprd repeats a request for a
// missing credential, which must not block other requests.
func TestShippedResiliency(t *testing.T) {
	t.Parallel()
	o := harness.ComponentOptions{SocketFolder: socketFolder(t), Metrics: true}
	side := resilientSidecar(t, o, shippedPolicy(t))
	const requests, attempts = 10, 5
	var missing sync.WaitGroup
	for i := range requests {
		missing.Go(func() {
			r, err := ask(t.Context(), side.daprd, "credentials", fmt.Sprintf("nowhere-%d", i))
			assert.NoError(t, err)
			assert.Contains(t, r.message, "code = NotFound")
		})
	}
	for range 10 {
		requireServes(t, side.daprd)
	}
	missing.Wait()
	requireServes(t, side.daprd)
	require.InDelta(t, requests*attempts, metric(t, side.component.Metrics, `credential_resolver_requests_total{code="NotFound"}`), 0,
		"daprd repeats NotFound too")
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
// during the restart must be answered, unless the component is away for longer than daprd
// repeats the request.
func TestRestartBridged(t *testing.T) {
	t.Parallel()
	o := harness.ComponentOptions{SocketFolder: socketFolder(t)}
	component := startComponent(t, o)
	folder := newResourceFolder(t, credentials("credentials", oneCredential(t).metadata(nil)))
	folder.writeFile(t, "resiliency.yaml", shippedPolicy(t))
	daprd := startDaprd(t, o.SocketFolder, folder)
	bridged := false
	for restarts := 0; !bridged && restarts < 20; restarts++ {
		requireAnswers(t, &sidecar{daprd: daprd})
		repeated := count(daprd, repeats)
		component.Kill()
		answered := make(chan string, 1)
		go func() {
			r, err := ask(t.Context(), daprd, "credentials", "c")
			answered <- fmt.Sprint(r.entries["password"], r.message, err)
		}()
		require.Eventually(t, func() bool { return count(daprd, repeats) > repeated }, patience, tick, "daprd does not repeat the request")
		component = startComponent(t, o)
		answer := <-answered
		t.Log("the request:", answer)
		bridged = answer == "s3cr3t<nil>"
	}
	require.True(t, bridged, "no restart was bridged")
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
