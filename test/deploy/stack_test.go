//go:build deploy

package deploy

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/container"
	"credential-resolver/test/waiting"
)

const tick = 50 * time.Millisecond

// stack runs the services of a Compose file.
type stack struct {
	project project
	engine  *container.Engine
	volumes map[string]string            // the folder of each volume
	images  map[string][]container.Mount // of each service
	running map[string]*running
	order   []string
}

// running is the container of a service.
type running struct {
	*container.Container

	network container.Network
	log     string // the file of its output
}

// newStack makes the volumes and the images.
func newStack(t *testing.T, p project) *stack {
	t.Helper()
	require.Zero(t, os.Getuid(), "only root may run programs as the users of the containers")
	engine, err := container.NewEngine()
	t.Cleanup(engine.Remove)
	require.NoError(t, err)
	s := &stack{project: p, engine: engine, volumes: map[string]string{}, running: map[string]*running{}}
	for name, v := range p.Volumes {
		require.Equal(t, "local", v.Driver)
		require.Equal(t, "tmpfs", v.DriverOpts["type"], "the state must be in memory")
		s.volumes[name] = tmpfsFolder(t, filepath.Join(engine.Memory, name), v.DriverOpts["o"])
	}
	s.images = map[string][]container.Mount{
		"credential-resolver": {program(t, "credential-resolver")}, "daprd": {program(t, "daprd")}, "app": busybox(),
	}
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
	return s.await(func() bool { return strings.Contains(s.running["app"].output(), "}") })
}

// start starts a service.
func (s *stack) start(t *testing.T, name string) {
	t.Helper()
	definition := s.project.Services[name]
	started := &running{log: filepath.Join(t.TempDir(), "log")}
	spec := container.Spec{
		Args: append(entrypoint(t, name), definition.Command...), Env: []string{"PATH=/bin"}, Hostname: name,
		ReadOnly: definition.ReadOnly, Mounts: slices.Clone(s.images[name]),
		NoNewPrivileges: slices.Contains(definition.SecurityOpt, "no-new-privileges:true"),
		NoCapabilities:  slices.Contains(definition.CapDrop, "ALL"),
	}
	_, err := fmt.Sscanf(definition.User, "%d:%d", &spec.UID, &spec.GID)
	require.NoError(t, err)
	for variable, value := range definition.Environment {
		spec.Env = append(spec.Env, variable+"="+value)
	}
	for _, v := range definition.Volumes {
		source := v.Source
		if v.Type == "volume" {
			source = s.volumes[v.Source]
		}
		spec.Mounts = append(spec.Mounts, container.Mount{Source: source, Target: v.Target, ReadOnly: v.ReadOnly})
	}
	for _, secret := range definition.Secrets {
		spec.Mounts = append(spec.Mounts, container.Mount{
			Source: s.project.Secrets[secret.Source].File, ReadOnly: true,
			Target: filepath.Join("/run/secrets", filepath.Base(cmp.Or(secret.Target, secret.Source))),
		})
	}
	if other, shares := strings.CutPrefix(definition.NetworkMode, "service:"); shares {
		started.network = s.running[other].network
	} else {
		started.network, err = container.NewNetwork()
		require.NoError(t, err)
		t.Cleanup(started.network.Close)
	}
	spec.Network = started.network
	log, err := os.Create(started.log)
	require.NoError(t, err)
	defer func() { _ = log.Close() }()
	started.Container, err = s.engine.Start(spec, log)
	require.NoError(t, err)
	s.running[name] = started
}

// output returns what the container has printed.
func (s *running) output() string {
	text, _ := os.ReadFile(s.log)
	return string(text)
}

// awaitHealthy runs the health check of a service until it succeeds.
func (s *stack) awaitHealthy(t *testing.T, name string) error {
	t.Helper()
	test := s.project.Services[name].Healthcheck.Test
	require.Equal(t, "CMD", test[0], "the image has no shell")
	return s.await(func() bool {
		_, err := s.running[name].Exec(t.Context(), test[1:]...)
		return err == nil
	})
}

// await waits until a condition holds, or a service ends.
func (s *stack) await(condition func() bool) error {
	deadline := time.After(waiting.Long)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !condition() {
		for name, c := range s.running {
			select {
			case <-c.Ended():
				return fmt.Errorf("%s ended: %w\n%s", name, c.Err(), c.output())
			default:
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
	if err := c.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-c.Ended():
		return c.Err()
	case <-time.After(waiting.Long):
		return fmt.Errorf("%s did not end\n%s", name, c.output())
	}
}

// kill kills a service.
func (s *stack) kill(name string) {
	s.running[name].Kill()
	delete(s.running, name)
}

func (s *stack) logs() string {
	var b strings.Builder
	for name, c := range s.running {
		fmt.Fprintf(&b, "%s:\n%s\n", name, c.output())
	}
	return b.String()
}
