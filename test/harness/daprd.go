package harness

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"credential-resolver/test/waiting"
)

// Daprd is a running daprd without placement, scheduler and application.
type Daprd struct {
	*Process // AwaitReady may replace it

	HTTPPort int
	GRPCPort int

	options DaprdOptions
}

// DaprdOptions are the options to start daprd.
type DaprdOptions struct {
	Binary        string    // path of daprd
	SocketFolder  string    // where it searches for pluggable components
	ResourcesPath string    // the folder of Component files
	AppID         string    // "" means "app"
	Config        string    // the path of a Dapr Configuration; "" means none
	Args          []string  // additional arguments
	Dir           string    // its working folder; "" means this process's
	Log           io.Writer // receives its output too; may be nil
	Keep          bool      // it keeps running when this process ends
	UID           uint32    // its user; 0 means the user of this process
	OtherPIDs     bool      // it gets its own PID namespace, as in a container
}

// StartDaprd starts daprd and waits until its components are loaded.
func StartDaprd(ctx context.Context, o DaprdOptions) (*Daprd, error) {
	d, err := LaunchDaprd(o)
	if err != nil {
		return nil, err
	}
	return d, d.AwaitReady(ctx)
}

// LaunchDaprd starts daprd without waiting.
func LaunchDaprd(o DaprdOptions) (*Daprd, error) {
	d := &Daprd{options: o}
	if err := d.launch(); err != nil {
		return nil, err
	}
	return d, nil
}

// launch starts daprd on new ports.
func (d *Daprd) launch() error {
	ports, err := TakePorts(3)
	if err != nil {
		return err
	}
	o := d.options
	d.HTTPPort, d.GRPCPort = ports.Numbers[0], ports.Numbers[1]
	args := []string{
		"--app-id", cmp.Or(o.AppID, "app"), "--resources-path", o.ResourcesPath,
		"--placement-host-address", "", "--scheduler-host-address", "", "--enable-metrics=false",
		"--dapr-listen-addresses", "127.0.0.1",
		"--dapr-http-port", strconv.Itoa(d.HTTPPort),
		"--dapr-grpc-port", strconv.Itoa(d.GRPCPort),
		"--dapr-internal-grpc-port", strconv.Itoa(ports.Numbers[2]),
		"--dapr-internal-grpc-listen-address", "127.0.0.1",
	}
	if o.Config != "" {
		args = append(args, "--config", o.Config)
	}
	d.Process, err = start(command{
		path: o.Binary, args: append(args, o.Args...), dir: o.Dir, log: o.Log, keep: o.Keep, uid: o.UID, pids: o.OtherPIDs,
		env: []string{"DAPR_COMPONENTS_SOCKETS_FOLDER=" + o.SocketFolder}, ports: ports,
	})
	return err
}

// AwaitReady waits until daprd's components are loaded. If daprd finds its ports in use, it is
// started again on others.
func (d *Daprd) AwaitReady(ctx context.Context) error {
	ready := func() error {
		ctx, cancel := context.WithTimeout(ctx, waiting.Long)
		defer cancel()
		return d.await(ctx, func() bool { return d.Ready(ctx) })
	}
	return onFreePorts(ready, func() bool { return d.portWasInUse() }, d.launch)
}

// Ready reports whether daprd's components are loaded.
func (d *Daprd) Ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL("/v1.0/healthz/outbound"), nil)
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

// URL returns the URL of a path of daprd's HTTP API.
func (d *Daprd) URL(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", d.HTTPPort, path)
}
