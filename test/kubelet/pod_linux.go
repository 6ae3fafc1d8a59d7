package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"credential-resolver/test/container"
	"credential-resolver/test/waiting"
)

// Pod is a pod that the node runs.
type Pod struct {
	// Spec is the pod as the API server has it.
	Spec *corev1.Pod
	// Init are its init containers, and Containers the others, in their order.
	Init, Containers []*Container

	node        *Node
	dir, memory string
	net         container.Network
	volumes     map[string]string // the folder of each

	stop    sync.Once
	stopped chan struct{} // closed when the pod ends
}

// Container returns the container with this name.
func (p *Pod) Container(name string) *Container {
	for _, c := range slices.Concat(p.Init, p.Containers) {
		if c.Spec.Name == name {
			return c
		}
	}
	return nil
}

// Start starts the containers in the kubelet's order: the init containers one after the other,
// then the others. An init container that keeps running (a native sidecar) has passed its startup
// probe before the next container is started.
func (p *Pod) Start(ctx context.Context) error {
	for _, c := range p.Init {
		if policy := c.Spec.RestartPolicy; policy == nil || *policy != corev1.ContainerRestartPolicyAlways {
			return fmt.Errorf("init container %s ends: only those that keep running are known", c.Spec.Name)
		}
		if err := c.start(); err != nil {
			return err
		}
		if err := p.await(ctx, c, c.Spec.StartupProbe); err != nil {
			return err
		}
	}
	for _, c := range p.Containers {
		if err := c.start(); err != nil {
			return err
		}
	}
	return nil
}

// Ready waits until all readiness probes succeed.
func (p *Pod) Ready(ctx context.Context) error {
	for _, c := range slices.Concat(p.Init, p.Containers) {
		if err := p.await(ctx, c, c.Spec.ReadinessProbe); err != nil {
			return err
		}
	}
	return nil
}

// await waits until a probe succeeds. It runs a probe more often than a cluster does.
func (p *Pod) await(ctx context.Context, c *Container, probe *corev1.Probe) error {
	if probe == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, waiting.Long)
	defer cancel()
	for {
		err := c.Probe(ctx, probe)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("container %s of pod %s is not ready: %w\n%s", c.Spec.Name, p.Spec.Name, errors.Join(ctx.Err(), err), c.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Probe makes a probe once.
func (c *Container) Probe(ctx context.Context, probe *corev1.Probe) error {
	switch {
	case probe.Exec != nil:
		_, err := c.Exec(ctx, probe.Exec.Command...)
		return err
	case probe.HTTPGet != nil:
		resp, err := c.pod.get(ctx, "http://"+net.JoinHostPort("127.0.0.1", strconv.Itoa(probe.HTTPGet.Port.IntValue()))+probe.HTTPGet.Path)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= http.StatusBadRequest {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	}
	return fmt.Errorf("container %s has an unknown kind of probe", c.Spec.Name)
}

// Client returns an HTTP client in the pod's network, as an application in the pod has it.
func (p *Pod) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.net.Dial, DisableKeepAlives: true}}
}

func (p *Pod) get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return p.Client().Do(req)
}

// Stop ends the pod, as the kubelet does: SIGTERM to all containers at once, then to the native
// sidecars, in the reverse of their order. What runs at the end of the grace period is killed,
// and Stop returns an error.
func (p *Pod) Stop() error {
	grace := 30 * time.Second
	if seconds := p.Spec.Spec.TerminationGracePeriodSeconds; seconds != nil {
		grace = time.Duration(*seconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	p.end()
	ends := make(chan error)
	for _, c := range p.Containers {
		go func() { ends <- c.stop(ctx) }()
	}
	var err error
	for range p.Containers {
		err = errors.Join(err, <-ends)
	}
	for _, c := range slices.Backward(p.Init) {
		err = errors.Join(err, c.stop(ctx))
	}
	return err
}

// end ends the restarts of containers.
func (p *Pod) end() { p.stop.Do(func() { close(p.stopped) }) }

func (p *Pod) isStopped() bool {
	select {
	case <-p.stopped:
		return true
	default:
		return false
	}
}
