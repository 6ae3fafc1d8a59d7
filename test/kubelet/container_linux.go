package kubelet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"credential-resolver/test/container"
)

// Container is a container of a pod. Its methods may be called while it runs.
type Container struct {
	// Spec is the container in the pod.
	Spec *corev1.Container

	pod *Pod

	mu     sync.Mutex
	starts int
	last   *container.Container // of the last start
	exit   error                // of the last start that ended
}

// Restarts returns how often the container was started again.
func (c *Container) Restarts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.starts-1)
}

// running returns what was started last, or an error before the first start.
func (c *Container) running() (*container.Container, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return nil, fmt.Errorf("container %s was not started", c.Spec.Name)
	}
	return c.last, nil
}

// Exit returns how the last process that ended did so: nil is exit status 0.
func (c *Container) Exit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exit
}

// Log returns the output of all starts.
func (c *Container) Log() string {
	text, _ := os.ReadFile(c.logFile())
	return string(text)
}

func (c *Container) logFile() string { return filepath.Join(c.pod.dir, c.Spec.Name+".log") }

// start waits for the container's image and starts its process, and then again each time it ends:
// at once the first time, and then after 10 s, 20 s and so on, as the kubelet does.
func (c *Container) start() error {
	image, err := c.image()
	if err != nil {
		return err
	}
	if image.Pulled != nil {
		<-image.Pulled
	}
	process, err := c.startOnce()
	if err != nil {
		return err
	}
	go func() {
		for backoff := time.Duration(0); err == nil; backoff = max(10*time.Second, min(2*backoff, 5*time.Minute)) {
			exit := process.Err()
			c.mu.Lock()
			c.exit = exit
			c.mu.Unlock()
			select {
			case <-c.pod.stopped:
				return
			case <-time.After(backoff):
			}
			if c.pod.isStopped() {
				return
			}
			process, err = c.startOnce()
		}
	}()
	return nil
}

// startOnce starts the container's process.
func (c *Container) startOnce() (*container.Container, error) {
	spec, err := c.containerSpec()
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", c.Spec.Name, err)
	}
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	process, err := c.pod.node.engine.Start(spec, log)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.starts++
	c.last = process
	return process, nil
}

// PID returns the process ID that the container's process has on this machine.
func (c *Container) PID() (int, error) {
	process, err := c.running()
	if err != nil {
		return 0, err
	}
	return process.PID()
}

// Exec runs a command in the container, as "kubectl exec" does, and returns its output.
func (c *Container) Exec(ctx context.Context, command ...string) (string, error) {
	process, err := c.running()
	if err != nil {
		return "", err
	}
	return process.Exec(ctx, command...)
}

// Kill kills the container's process with SIGKILL, and waits until it has ended.
func (c *Container) Kill() error {
	process, err := c.running()
	if err != nil {
		return err
	}
	if err := process.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-process.Ended()
	return nil
}

// stop ends the container's process: with SIGTERM, and with SIGKILL when ctx ends.
func (c *Container) stop(ctx context.Context) error {
	process, err := c.running()
	if err != nil {
		return err
	}
	err = process.Signal(syscall.SIGTERM)
	select {
	case <-process.Ended():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.exit = process.Err()
		return nil
	case <-ctx.Done():
		process.Kill()
		return errors.Join(err, fmt.Errorf("container %s was killed: %w", c.Spec.Name, ctx.Err()))
	}
}

// image returns the container's image.
func (c *Container) image() (Image, error) {
	image, ok := c.pod.node.Images[c.Spec.Image]
	if !ok {
		return Image{}, fmt.Errorf("no image %s: there are %v", c.Spec.Image, slices.Collect(maps.Keys(c.pod.node.Images)))
	}
	return image, nil
}
