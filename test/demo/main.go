// Command demo shows the component in action: it starts a real daprd and the component, stores
// a credential, and requests it from the secrets API. "make demo" runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"credential-resolver/test/harness"
)

// The sample that the demo stores, and its Component.
const (
	guid          = "analytics-db"
	sample        = "components/samples/analytics-db.json"
	componentYAML = "components/credentials.yaml"
)

func main() {
	keep := flag.Bool("keep", false, "leave the component and daprd running")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is a temporary folder and the two programs.
type demo struct {
	folder    string
	resolver  string
	component *harness.Component
	daprd     *harness.Daprd
}

func run(ctx context.Context, keep bool) error {
	d := &demo{}
	if err := d.start(ctx, keep); err != nil {
		d.stop()
		return err
	}
	if err := d.show(ctx); err != nil {
		d.stop()
		return err
	}
	if keep {
		d.explain()
		return nil
	}
	d.stop()
	fmt.Println("\nBoth were stopped. `make demo KEEP=1` leaves them running.")
	return nil
}

// start stores the sample and starts the component, then daprd. daprd searches for components
// only once, when it starts.
func (d *demo) start(ctx context.Context, keep bool) (err error) {
	if d.folder, err = os.MkdirTemp("", "credential-resolver-demo-"); err != nil {
		return err
	}
	if d.resolver, err = harness.Binary("CREDENTIAL_RESOLVER", ".", "credential-resolver"); err != nil {
		return err
	}
	daprd, err := harness.Binary("DAPRD", ".", "daprd")
	if err != nil {
		return err
	}
	// Use a separate database, so that the demo never touches a real one.
	if err := os.Setenv("XDG_DATA_HOME", filepath.Join(d.folder, "data")); err != nil {
		return err
	}
	step("Store a credential's config: it refers to its secrets, and holds none")
	if err := d.command("put", "-c", componentYAML, "--guid", guid, sample); err != nil {
		return err
	}
	if err := d.command("get", "-c", componentYAML, guid); err != nil {
		return err
	}
	resources := filepath.Join(d.folder, "resources")
	if err := copyFile(componentYAML, filepath.Join(resources, "credentials.yaml")); err != nil {
		return err
	}
	step("Start credential-resolver, and daprd beside it with " + componentYAML)
	d.component, err = harness.StartComponent(ctx, harness.ComponentOptions{
		Binary: d.resolver, SocketFolder: d.folder, Keep: keep, Log: d.logFile(keep, "component.log"),
	})
	if err != nil {
		return err
	}
	d.daprd, err = harness.StartDaprd(ctx, harness.DaprdOptions{
		Binary: daprd, SocketFolder: d.folder, ResourcesPath: resources, Keep: keep, Log: d.logFile(keep, "daprd.log"),
	})
	return err
}

// show makes requests to daprd as an application would.
func (d *demo) show(ctx context.Context) error {
	step("Ask daprd's secrets API for the finished credential")
	for _, query := range []string{"", "?metadata.format=json", "?metadata.fields=username,password"} {
		path := "/v1.0/secrets/credentials/" + guid + query
		fmt.Println("GET " + d.daprd.URL(path))
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.daprd.URL(path), nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return err
		}
		fmt.Printf("%s\n%s\n", resp.Status, body)
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("daprd answered %s", resp.Status)
		}
	}
	return nil
}

func (d *demo) explain() {
	fmt.Printf(`
Both run on. Ask again:
  curl '%s'
Store another credential:
  XDG_DATA_HOME=%s bin/credential-resolver put -c %s components/samples/crm-api.json
Their logs are in %s. Stop them:
  kill %d %d
`, d.daprd.URL("/v1.0/secrets/credentials/"+guid), os.Getenv("XDG_DATA_HOME"), componentYAML,
		d.folder, d.daprd.Pid(), d.component.Pid())
}

func (d *demo) stop() {
	if d.daprd != nil {
		_ = d.daprd.Stop()
	}
	if d.component != nil {
		_ = d.component.Stop()
	}
	_ = os.RemoveAll(d.folder)
}

// command runs credential-resolver and prints the command line.
func (d *demo) command(args ...string) error {
	fmt.Print("$ credential-resolver")
	for _, arg := range args {
		fmt.Print(" ", arg)
	}
	fmt.Println()
	cmd := exec.Command(d.resolver, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// logFile returns the file for a program's output. It returns nil for a program that ends with
// the demo.
func (d *demo) logFile(keep bool, name string) io.Writer {
	if !keep {
		return nil
	}
	f, err := os.Create(filepath.Join(d.folder, name))
	if err != nil {
		return nil
	}
	return f
}

func step(text string) { fmt.Printf("\n== %s\n", text) }

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}
