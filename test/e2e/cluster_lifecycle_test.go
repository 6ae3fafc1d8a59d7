//go:build e2e && kubernetes

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/kubelet"
)

// TestClusterContainerRestarts kills the component in its pod. The kubelet starts it again, and
// daprd goes on.
func TestClusterContainerRestarts(t *testing.T) {
	c := startCluster(t)
	for _, app := range []string{injected, nativeSidecar} {
		t.Run(app, func(t *testing.T) {
			pod := c.run(t, c.install(t, app))
			c.ready(t, pod)
			awaitAnswer(t, pod)

			component, daprd := pod.Container("credential-resolver"), pod.Container("daprd")
			before := daprd.Restarts() // at the start of the pod
			killed := time.Now()
			require.NoError(t, component.Kill())
			awaitAnswer(t, pod)
			t.Logf("the pod answered %v after its component was killed", time.Since(killed).Round(time.Millisecond))
			require.Equal(t, 1, component.Restarts())
			require.Equal(t, before, daprd.Restarts())
			require.NoError(t, pod.Stop())
		})
	}
}

// drain is how long daprd goes on serving after SIGTERM, by its own annotation.
const drain = 4 * time.Second

// TestClusterRollingUpdate ends a pod under load while another takes over, as a Deployment's
// update does.
func TestClusterRollingUpdate(t *testing.T) {
	c := startCluster(t)
	for _, app := range []string{injected, nativeSidecar} {
		t.Run(app, func(t *testing.T) {
			deployment := c.install(t, app, "dapr.io/block-shutdown-duration", drain.String())
			before := c.run(t, deployment)
			c.ready(t, before)
			awaitAnswer(t, before)
			load := startPodLoad(t, before)

			after := c.run(t, deployment)
			c.ready(t, after)
			awaitAnswer(t, after)
			terminated := time.Now()
			require.NoError(t, before.Stop())
			load.Wait()

			failed := load.failuresBefore(terminated.Add(drain))
			t.Logf("%d requests answered, %d failed while daprd drained, %d as it closed, %v after SIGTERM", load.answered,
				len(failed), len(load.failures)-len(failed), load.end.Sub(terminated).Round(time.Millisecond))
			require.Empty(t, failed)
			require.Greater(t, load.end.Sub(terminated), drain, "the old pod served while daprd drained")
			for _, name := range []string{"daprd", "credential-resolver"} {
				require.NoError(t, before.Container(name).Exit(), name)
			}
			awaitAnswer(t, after)
			require.NoError(t, after.Stop())
		})
	}
}

// podLoad asks for a credential in a pod again and again, until daprd no longer listens.
type podLoad struct {
	sync.WaitGroup

	mu       sync.Mutex
	answered int
	failures []podFailure
	end      time.Time // the last answer
}

type podFailure struct {
	at   time.Time
	text string
}

func startPodLoad(t *testing.T, pod *kubelet.Pod) *podLoad {
	t.Helper()
	l := &podLoad{}
	for range 4 {
		l.Go(func() {
			for {
				status, answer, err := askPod(context.Background(), pod, "credentials", "analytics-db")
				if !l.record(status, answer, err) {
					return
				}
			}
		})
	}
	return l
}

// record records an answer. It returns false when daprd no longer listens.
func (l *podLoad) record(status int, answer string, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refused *net.OpError
	switch {
	case errors.As(err, &refused) && refused.Op == "dial":
		return false
	case err != nil:
		l.failures = append(l.failures, podFailure{time.Now(), err.Error()})
	case status != http.StatusOK:
		l.failures = append(l.failures, podFailure{time.Now(), fmt.Sprint(status, " ", answer)})
	default:
		l.answered++
		l.end = time.Now()
	}
	return true
}

// failuresBefore returns the failures before a moment. When the time to drain is over, daprd
// cancels the requests that still run.
func (l *podLoad) failuresBefore(moment time.Time) (found []string) {
	for _, failure := range l.failures {
		if failure.at.Before(moment) {
			found = append(found, failure.text)
		}
	}
	return found
}

// TestClusterStartBeforeTheComponent starts pods on a node that gets the component's image late.
// An injected component is started after daprd, which then ends and is started again. A native
// sidecar is started before daprd, which waits.
func TestClusterStartBeforeTheComponent(t *testing.T) {
	c := startCluster(t)
	for app, restarts := range map[string]int{injected: 1, nativeSidecar: 0} {
		t.Run(app, func(t *testing.T) {
			pulled := make(chan struct{})
			image := c.node.Images[ourImage]
			image.Pulled = pulled
			c.node.Images[ourImage] = image
			pod := c.prepare(t, c.install(t, app))
			began := time.Now()
			started := make(chan error)
			go func() { started <- pod.Start(t.Context()) }()

			daprd := pod.Container("daprd")
			if restarts > 0 {
				require.Eventually(t, func() bool { return daprd.Exit() != nil }, patience, tick)
				require.Contains(t, daprd.Log(), "couldn't find secret store secretstores.credential-resolver/v1")
			}
			_, _, err := askPod(t.Context(), pod, "credentials", "analytics-db")
			require.ErrorIs(t, err, syscall.ECONNREFUSED, "daprd listens only when its components are loaded")
			close(pulled)
			require.NoError(t, <-started)
			awaitAnswer(t, pod)
			t.Logf("the first answer came %v after the pod's start; daprd was started again %d times",
				time.Since(began).Round(time.Millisecond), daprd.Restarts())
			require.GreaterOrEqual(t, daprd.Restarts(), restarts)
			if restarts == 0 {
				require.Zero(t, daprd.Restarts())
			}
			require.NoError(t, pod.Stop())
		})
	}
}
