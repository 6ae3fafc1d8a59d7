//go:build deploy

package deploy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/waiting"
)

const tick = 50 * time.Millisecond

// stack runs the services of a Compose file.
type stack struct {
	project project
	volumes map[string]string // the folder of each volume
	roots   map[string]string // the root of each service
	running map[string]*container
	order   []string
}

// newStack makes the volumes, and the roots with what the images contain.
func newStack(t *testing.T, p project) *stack {
	t.Helper()
	require.Zero(t, os.Getuid(), "only root may run programs as the users of the containers")
	s := &stack{project: p, volumes: map[string]string{}, roots: map[string]string{}, running: map[string]*container{}}
	t.Cleanup(func() { s.kill(slices.Collect(maps.Keys(s.running))...) })
	for name, v := range p.Volumes {
		require.Equal(t, "local", v.Driver)
		require.Equal(t, "tmpfs", v.DriverOpts["type"], "the state must be in memory")
		s.volumes[name] = tmpfsFolder(t, v.DriverOpts["o"])
	}
	s.roots["credential-resolver"] = root(t, binary(t, "credential-resolver"), "credential-resolver")
	s.roots["daprd"] = root(t, binary(t, "daprd"), "daprd")
	s.roots["app"] = root(t, "/bin/busybox", "bin/busybox")
	for _, applet := range []string{"sh", "wget", "sleep"} {
		require.NoError(t, os.Symlink("busybox", filepath.Join(s.roots["app"], "bin", applet)))
	}
	for name, service := range p.Services {
		for _, v := range service.Volumes {
			require.NoError(t, os.MkdirAll(filepath.Join(s.roots[name], v.Target), 0o755))
		}
	}
	var err error
	s.order, err = p.startOrder()
	require.NoError(t, err)
	return s
}

// up starts each service when the conditions of its dependencies hold, and reports a service that
// ended instead.
func (s *stack) up(t *testing.T) error {
	t.Helper()
	for _, name := range s.order {
		for dependency, on := range s.project.Services[name].DependsOn {
			if on.Condition == "service_healthy" {
				if err := s.awaitHealthy(t, dependency); err != nil {
					return err
				}
			}
		}
		s.start(t, name)
	}
	return s.await(func() bool { return strings.Contains(s.running["app"].log(), "}") })
}

// start starts a service.
func (s *stack) start(t *testing.T, name string) {
	t.Helper()
	service := s.project.Services[name]
	c, err := run(s.spec(t, name, append(entrypoint(t, name), service.Command...)))
	require.NoError(t, err)
	s.running[name] = c
}

// spec is the container of a service with a command.
func (s *stack) spec(t *testing.T, name string, command []string) spec {
	t.Helper()
	service := s.project.Services[name]
	c := spec{Root: s.roots[name], ReadOnly: service.ReadOnly, Args: command, Env: []string{"PATH=/bin"}}
	_, err := fmt.Sscanf(service.User, "%d:%d", &c.UID, &c.GID)
	require.NoError(t, err)
	for variable, value := range service.Environment {
		c.Env = append(c.Env, variable+"="+value)
	}
	for _, v := range service.Volumes {
		source := v.Source
		if v.Type == "volume" {
			source = s.volumes[v.Source]
		}
		c.Mounts = append(c.Mounts, mount{source, v.Target, v.ReadOnly})
	}
	if other, shares := strings.CutPrefix(service.NetworkMode, "service:"); shares {
		c.Network = s.running[other].cmd.Process.Pid
	}
	if !strings.Contains(c.Args[0], "/") {
		c.Args[0] = filepath.Join("/bin", c.Args[0])
	}
	return c
}

// awaitHealthy runs the health check of a service until it succeeds.
func (s *stack) awaitHealthy(t *testing.T, name string) error {
	t.Helper()
	test := s.project.Services[name].Healthcheck.Test
	require.Equal(t, "CMD", test[0], "the image has no shell")
	return s.await(func() bool { return s.once(t, name, test[1:]).err == nil })
}

// once runs a command in the container of a service, and waits until it ends.
func (s *stack) once(t *testing.T, name string, command []string) *container {
	t.Helper()
	c, err := run(s.spec(t, name, slices.Clone(command)))
	require.NoError(t, err)
	<-c.done
	return c
}

// await waits until a condition holds, or a service ends.
func (s *stack) await(condition func() bool) error {
	deadline := time.After(waiting.Long)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !condition() {
		for name, c := range s.running {
			if c.ended() {
				return fmt.Errorf("%s ended: %w\n%s", name, c.err, c.log())
			}
		}
		select {
		case <-ticker.C:
		case <-deadline:
			return fmt.Errorf("not in time: %s", s.logs())
		}
	}
	return nil
}

// stop stops a service and returns how it ended.
func (s *stack) stop(name string) error {
	c := s.running[name]
	delete(s.running, name)
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
		return c.err
	case <-time.After(waiting.Long):
		_ = c.cmd.Process.Kill()
		<-c.done
		return fmt.Errorf("%s did not end\n%s", name, c.log())
	}
}

func (s *stack) kill(names ...string) {
	for _, name := range names {
		_ = s.running[name].cmd.Process.Kill()
		<-s.running[name].done
		delete(s.running, name)
	}
}

func (s *stack) logs() string {
	var b strings.Builder
	for name, c := range s.running {
		fmt.Fprintf(&b, "%s:\n%s\n", name, c.log())
	}
	return b.String()
}
