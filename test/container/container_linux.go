package container

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"syscall"
)

// Container is a container that was started.
type Container struct {
	engine *Engine
	id     string
	ended  chan struct{}
	err    error
}

func (c *Container) runc(ctx context.Context, args ...string) *exec.Cmd {
	// With --rootless, a machine where cgroups are read-only will do. Memory is not limited there.
	return exec.CommandContext(ctx, "runc", append([]string{"--rootless=true", "--root", c.engine.state()}, args...)...)
}

// Ended returns a channel that is closed when the program has ended.
func (c *Container) Ended() <-chan struct{} { return c.ended }

// Err returns how the program ended: nil is exit status 0. It waits for the end.
func (c *Container) Err() error {
	<-c.ended
	return c.err
}

// PID returns the process ID that the program has on this machine.
func (c *Container) PID() (int, error) {
	out, err := c.runc(context.Background(), "state", c.id).Output()
	if err != nil {
		return 0, fmt.Errorf("the container does not run: %w", err)
	}
	var state struct{ PID int }
	return state.PID, json.Unmarshal(out, &state)
}

// Signal sends a signal to the program.
func (c *Container) Signal(signal syscall.Signal) error {
	pid, err := c.PID()
	if err != nil {
		return err
	}
	return syscall.Kill(pid, signal)
}

// Exec runs a command in the container and returns its output, which the error has too.
func (c *Container) Exec(ctx context.Context, command ...string) (string, error) {
	out, err := c.runc(ctx, append([]string{"exec", c.id}, command...)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%w: %s", err, out)
	}
	return string(out), nil
}

// Kill kills the program and waits for its end.
func (c *Container) Kill() {
	_ = c.runc(context.Background(), "delete", "--force", c.id).Run()
	<-c.ended
}
