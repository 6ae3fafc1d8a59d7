package harness

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"credential-resolver/test/waiting"
)

// socketName is the name of the component's socket.
const socketName = "credential-resolver.sock"

// Component is a running credential-resolver.
type Component struct {
	*Process // AwaitReady may replace it

	// Metrics is the address of its metrics, as "127.0.0.1:port"; "" without ComponentOptions.Metrics.
	Metrics string

	options ComponentOptions
}

// ComponentOptions are the options to start the component.
type ComponentOptions struct {
	Binary       string    // path of credential-resolver
	SocketFolder string    // folder of its socket; keep the path short
	Dir          string    // its working folder; "" means this process's
	Env          []string  // additional environment, as "NAME=value"
	LogLevel     string    // "" means info
	Args         []string  // additional arguments of serve
	StateDir     string    // where it remembers instances; "" means a folder beside its socket
	Log          io.Writer // receives its output too; may be nil
	Keep         bool      // it keeps running when this process ends
	UID          uint32    // its user; 0 means the user of this process
	OtherPIDs    bool      // it gets its own PID namespace, as in a container
	Metrics      bool      // it serves its metrics
}

// StartComponent starts the component and waits until its socket answers.
func StartComponent(ctx context.Context, o ComponentOptions) (*Component, error) {
	c, err := LaunchComponent(o)
	if err != nil {
		return nil, err
	}
	return c, c.AwaitReady(ctx)
}

// LaunchComponent starts the component without waiting.
func LaunchComponent(o ComponentOptions) (*Component, error) {
	c := &Component{options: o}
	if err := c.launch(); err != nil {
		return nil, err
	}
	return c, nil
}

// launch starts the component, on a new port if it serves its metrics.
func (c *Component) launch() (err error) {
	o := c.options
	state := cmp.Or(o.StateDir, filepath.Join(o.SocketFolder, ".state")) // daprd skips folders
	args := []string{"serve", "--state-dir", state, "--state-dir-on-disk"}
	if o.LogLevel != "" {
		args = append(args, "--log-level", o.LogLevel)
	}
	var ports *Ports
	if o.Metrics {
		if ports, err = TakePorts(1); err != nil {
			return err
		}
		c.Metrics = fmt.Sprintf("127.0.0.1:%d", ports.Numbers[0])
		args = append(args, "--metrics-listen", c.Metrics)
	}
	args = append(args, o.Args...)
	c.Process, err = start(command{
		path: o.Binary, args: args, dir: o.Dir, log: o.Log, keep: o.Keep, uid: o.UID, pids: o.OtherPIDs,
		env: append([]string{"DAPR_COMPONENTS_SOCKETS_FOLDER=" + o.SocketFolder}, o.Env...), ports: ports,
	})
	return err
}

// AwaitReady waits until the component's socket answers. If the component finds its port in
// use, it is started again on another.
func (c *Component) AwaitReady(ctx context.Context) error {
	return onFreePorts(
		func() error { return c.awaitSocket(ctx, filepath.Join(c.options.SocketFolder, socketName)) },
		func() bool { return c.portWasInUse() }, c.launch)
}

// StartPluggable starts a pluggable component that serves <name>.sock in the folder, and waits
// until its socket answers.
func StartPluggable(ctx context.Context, binary, folder, name string, args ...string) (*Process, error) {
	p, err := start(command{path: binary, args: args, env: []string{"DAPR_COMPONENTS_SOCKETS_FOLDER=" + folder}})
	if err != nil {
		return nil, err
	}
	return p, p.awaitSocket(ctx, filepath.Join(folder, name+".sock"))
}

func (p *Process) awaitSocket(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, waiting.Long)
	defer cancel()
	return p.await(ctx, func() bool {
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// Binary returns the path of a program that make builds. An environment variable can name
// another program; otherwise it is bin/<name> below the repository's root.
func Binary(variable, root, name string) (string, error) {
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join(root, "bin", name)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is missing: build it with make, or name another by %s", path, variable)
	}
	return path, nil
}
