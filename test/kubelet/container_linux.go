package kubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Container is a container of a pod. Its methods may be called while it runs.
type Container struct {
	// Spec is the container in the pod.
	Spec *corev1.Container

	pod *Pod

	mu      sync.Mutex
	starts  int
	id      string        // for runc, of the last start
	running chan struct{} // of the last start: closed when it ends
	exit    error         // of the last start that ended
}

func (p *Pod) newContainer(spec *corev1.Container) *Container {
	running := make(chan struct{})
	close(running)
	return &Container{Spec: spec, pod: p, running: running}
}

// Restarts returns how often the container was started again.
func (c *Container) Restarts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.starts-1)
}

// Ended returns a channel that is closed when the process that runs now has ended.
func (c *Container) Ended() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running
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

// start waits for the container's image and starts its process, and then again each time it ends: at once the first
// time, and then after 10 s, 20 s and so on, as the kubelet does.
func (c *Container) start() error {
	image, err := c.image()
	if err != nil {
		return err
	}
	if image.Pulled != nil {
		<-image.Pulled
	}
	if err := c.startOnce(); err != nil {
		return err
	}
	go func() {
		for backoff := time.Duration(0); ; backoff = max(10*time.Second, min(2*backoff, 5*time.Minute)) {
			<-c.Ended()
			select {
			case <-c.pod.stopped:
				return
			case <-time.After(backoff):
			}
			if c.pod.isStopped() || c.startOnce() != nil {
				return
			}
		}
	}()
	return nil
}

// startOnce starts the container's process.
func (c *Container) startOnce() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id = fmt.Sprintf("%s-%s-%d", c.pod.Spec.UID, c.Spec.Name, c.starts)
	bundle := filepath.Join(c.pod.dir, c.Spec.Name, strconv.Itoa(c.starts))
	if err := c.writeBundle(bundle); err != nil {
		return err
	}
	log, err := os.OpenFile(c.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command("runc", c.pod.runc("run", "--bundle", bundle, c.id)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("runc: %w", err)
	}
	running := make(chan struct{})
	go func() {
		err := cmd.Wait()
		_ = log.Close()
		c.mu.Lock()
		c.exit = err
		c.mu.Unlock()
		close(running)
	}()
	c.starts++
	c.running = running
	return nil
}

// runc returns the arguments for runc.
func (p *Pod) runc(args ...string) []string {
	return append([]string{"--root", p.node.runcDir()}, args...)
}

// PID returns the process ID that the container's process has on this machine.
func (c *Container) PID() (int, error) {
	c.mu.Lock()
	id := c.id
	c.mu.Unlock()
	out, err := exec.Command("runc", c.pod.runc("state", id)...).Output()
	if err != nil {
		return 0, fmt.Errorf("container %s does not run: %w", c.Spec.Name, err)
	}
	var state struct{ PID int }
	return state.PID, json.Unmarshal(out, &state)
}

// Signal sends a signal to the container's process.
func (c *Container) Signal(signal syscall.Signal) error {
	pid, err := c.PID()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, signal)
}

// Exec runs a command in the container, as "kubectl exec" does, and returns its output.
func (c *Container) Exec(ctx context.Context, command ...string) (string, error) {
	c.mu.Lock()
	id := c.id
	c.mu.Unlock()
	out, err := exec.CommandContext(ctx, "runc", c.pod.runc(append([]string{"exec", id}, command...)...)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%w: %s", err, out)
	}
	return string(out), nil
}

// stop ends the container's process: with SIGTERM, and with SIGKILL when ctx ends.
func (c *Container) stop(ctx context.Context) error {
	err := c.Signal(syscall.SIGTERM)
	select {
	case <-c.Ended():
		return nil
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("container %s was killed: %w", c.Spec.Name, ctx.Err()))
		c.kill()
		return err
	}
}

func (c *Container) kill() {
	c.mu.Lock()
	id := c.id
	c.mu.Unlock()
	_ = exec.Command("runc", c.pod.runc("delete", "--force", id)...).Run()
	<-c.Ended()
}

// image returns the container's image.
func (c *Container) image() (Image, error) {
	image, ok := c.pod.node.Images[c.Spec.Image]
	if !ok {
		return Image{}, fmt.Errorf("no image %s: there are %v", c.Spec.Image, slices.Collect(maps.Keys(c.pod.node.Images)))
	}
	return image, nil
}
