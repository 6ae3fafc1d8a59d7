package harness

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// startTimeout bounds the start of one program.
const startTimeout = 30 * time.Second

// socketName is the component's socket in its folder.
const socketName = "credential-resolver.sock"

// Component is a running credential-resolver.
type Component struct{ *Process }

// ComponentOptions say how to start the component.
type ComponentOptions struct {
	Binary       string    // path of credential-resolver
	SocketFolder string    // where its socket goes; keep it short
	Dir          string    // its working folder; "" for this process's
	Env          []string  // more environment, as "NAME=value"
	LogLevel     string    // "" for info
	Log          io.Writer // where its output goes besides; nil for nowhere
	Keep         bool      // let it live on when this process ends
	UID          uint32    // the user that it runs as; 0 for this process's
}

// StartComponent starts the component and waits until its socket answers.
func StartComponent(ctx context.Context, o ComponentOptions) (*Component, error) {
	args := []string{"serve"}
	if o.LogLevel != "" {
		args = append(args, "--log-level", o.LogLevel)
	}
	p, err := start(command{
		path: o.Binary, args: args, dir: o.Dir, log: o.Log, keep: o.Keep, uid: o.UID,
		env: append([]string{"DAPR_COMPONENTS_SOCKETS_FOLDER=" + o.SocketFolder}, o.Env...),
	})
	if err != nil {
		return nil, err
	}
	return &Component{p}, p.awaitSocket(ctx, filepath.Join(o.SocketFolder, socketName))
}

// StartPluggable starts any pluggable component that serves <name>.sock in the
// folder, and waits until its socket answers.
func StartPluggable(ctx context.Context, binary, folder, name string, args ...string) (*Process, error) {
	p, err := start(command{path: binary, args: args, env: []string{"DAPR_COMPONENTS_SOCKETS_FOLDER=" + folder}})
	if err != nil {
		return nil, err
	}
	return p, p.awaitSocket(ctx, filepath.Join(folder, name+".sock"))
}

func (p *Process) awaitSocket(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return p.await(ctx, func() bool {
		c, err := net.Dial("unix", path)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// Daprd is a running daprd without placement, scheduler and application.
type Daprd struct {
	*Process

	HTTPPort int
	GRPCPort int
}

// DaprdOptions say how to start daprd.
type DaprdOptions struct {
	Binary        string    // path of daprd
	SocketFolder  string    // where it looks for pluggable components
	ResourcesPath string    // the folder of Component YAMLs
	Config        string    // a Dapr Configuration's file; "" for none
	Dir           string    // its working folder; "" for this process's
	Log           io.Writer // where its output goes besides; nil for nowhere
	Keep          bool      // let it live on when this process ends
}

// StartDaprd starts daprd and waits until its components are loaded.
func StartDaprd(ctx context.Context, o DaprdOptions) (*Daprd, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	d := &Daprd{HTTPPort: ports[0], GRPCPort: ports[1]}
	args := []string{
		"--app-id", "app", "--resources-path", o.ResourcesPath,
		"--placement-host-address", "", "--scheduler-host-address", "", "--enable-metrics=false",
		"--dapr-listen-addresses", "127.0.0.1",
		"--dapr-http-port", strconv.Itoa(ports[0]),
		"--dapr-grpc-port", strconv.Itoa(ports[1]),
		"--dapr-internal-grpc-port", strconv.Itoa(ports[2]),
		"--dapr-internal-grpc-listen-address", "127.0.0.1",
	}
	if o.Config != "" {
		args = append(args, "--config", o.Config)
	}
	d.Process, err = start(command{
		path: o.Binary, args: args, dir: o.Dir, log: o.Log, keep: o.Keep,
		env: []string{"DAPR_COMPONENTS_SOCKETS_FOLDER=" + o.SocketFolder},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return d, d.await(ctx, func() bool { return healthy(ctx, d.URL("/v1.0/healthz/outbound")) })
}

// URL returns the address of a path of daprd's HTTP API.
func (d *Daprd) URL(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", d.HTTPPort, path)
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusNoContent
}

// Binary returns the path of a program that make builds: the one that the
// environment variable names, else bin/<name> below the repository's root.
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
