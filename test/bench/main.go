// Command bench measures requests a second through one daprd: the component on
// its embedded default, and beside it a pluggable component that answers with a
// constant, which is what the socket and daprd cost by themselves. Both are
// measured in turn, in one run. "make bench" runs it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"credential-resolver/test/harness"
)

// rounds is how often each component is measured at each number of connections.
const rounds = 3

// connections are the numbers of connections that are measured.
var connections = []int{1, 8, 32}

func main() {
	duration := flag.Duration("duration", 5*time.Second, "how long each measurement takes")
	constant := flag.Bool("constant", false, "serve the constant component (the benchmark starts it so)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := error(nil)
	if *constant {
		err = serveConstant(ctx)
	} else {
		err = run(ctx, *duration)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// subject is one of the two components, as an application asks it.
type subject struct{ name, url string }

func run(ctx context.Context, duration time.Duration) (err error) {
	folder, err := os.MkdirTemp("", "cr-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	daprd, stop, err := startAll(ctx, folder)
	defer stop()
	if err != nil {
		return err
	}
	ours := subject{"credential-resolver, uncached, SQLite and a file", daprd.URL("/v1.0/secrets/credentials/analytics-db")}
	floor := subject{"a constant component", daprd.URL("/v1.0/secrets/constant/analytics-db")}
	fmt.Printf("%-12s %14s %14s %8s   (requests a second, median of %d; ours p50, p99)\n",
		"connections", "ours", "constant", "ratio", rounds)
	for _, n := range connections {
		var mine, theirs, ratios []float64
		var last report
		for range rounds {
			a, err := attack(ctx, ours, n, duration)
			if err != nil {
				return err
			}
			b, err := attack(ctx, floor, n, duration)
			if err != nil {
				return err
			}
			mine, theirs = append(mine, a.Throughput), append(theirs, b.Throughput)
			ratios = append(ratios, a.Throughput/b.Throughput)
			last = a
		}
		fmt.Printf("%-12d %14.0f %14.0f %8.2f   %v %v\n", n, median(mine), median(theirs), median(ratios),
			time.Duration(last.Latencies.P50), time.Duration(last.Latencies.P99))
	}
	return nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// startAll starts both components and one daprd that has them. stop may be
// called whatever the error.
func startAll(ctx context.Context, folder string) (daprd *harness.Daprd, stop func(), err error) {
	var stops []func() error
	stop = func() {
		for _, s := range slices.Backward(stops) {
			_ = s()
		}
	}
	binary, err := harness.Binary("CREDENTIAL_RESOLVER", ".", "credential-resolver")
	if err != nil {
		return nil, stop, err
	}
	daprdBinary, err := harness.Binary("DAPRD", ".", "daprd")
	if err != nil {
		return nil, stop, err
	}
	data := "XDG_DATA_HOME=" + filepath.Join(folder, "data")
	put := exec.CommandContext(ctx, binary, "put", "-c", "components/credentials.yaml",
		"--guid", "analytics-db", "components/samples/analytics-db.json")
	put.Env = append(os.Environ(), data)
	if out, err := put.CombinedOutput(); err != nil {
		return nil, stop, fmt.Errorf("put: %w: %s", err, out)
	}
	if err := writeResources(filepath.Join(folder, "resources")); err != nil {
		return nil, stop, err
	}
	component, err := harness.StartComponent(ctx, harness.ComponentOptions{
		Binary: binary, SocketFolder: folder, Env: []string{data}, LogLevel: "error",
	})
	if component != nil {
		stops = append(stops, component.Stop)
	}
	if err != nil {
		return nil, stop, err
	}
	constant, err := startConstant(ctx, folder)
	if constant != nil {
		stops = append(stops, constant.Stop)
	}
	if err != nil {
		return nil, stop, err
	}
	daprd, err = harness.StartDaprd(ctx, harness.DaprdOptions{
		Binary: daprdBinary, SocketFolder: folder, ResourcesPath: filepath.Join(folder, "resources"),
	})
	if daprd != nil {
		stops = append(stops, daprd.Stop)
	}
	return daprd, stop, err
}

func writeResources(folder string) error {
	ours, err := os.ReadFile("components/credentials.yaml")
	if err != nil {
		return err
	}
	constant := []byte("apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: constant\n" +
		"spec:\n  type: secretstores." + constantName + "\n  version: v1\n")
	return errors.Join(
		os.MkdirAll(folder, 0o755),
		os.WriteFile(filepath.Join(folder, "credentials.yaml"), ours, 0o600),
		os.WriteFile(filepath.Join(folder, "constant.yaml"), constant, 0o600),
	)
}

// report is what vegeta says of one attack.
type report struct {
	Throughput float64 `json:"throughput"` // successful requests a second
	Success    float64 `json:"success"`    // of 1
	Latencies  struct {
		P50 int64 `json:"50th"`
		P99 int64 `json:"99th"`
	} `json:"latencies"` // nanoseconds
}

// attack sends requests over n connections, as fast as they are answered.
func attack(ctx context.Context, s subject, n int, duration time.Duration) (report, error) {
	vegeta, err := harness.Binary("VEGETA", ".", "vegeta")
	if err != nil {
		return report{}, err
	}
	workers := strconv.Itoa(n)
	cmd := exec.CommandContext(ctx, vegeta, "attack", "-rate=0", "-workers="+workers, "-max-workers="+workers,
		"-connections="+workers, "-max-body=0", "-duration="+duration.String())
	cmd.Stdin = bytes.NewBufferString("GET " + s.url + "\n")
	results, err := cmd.Output()
	if err != nil {
		return report{}, fmt.Errorf("vegeta: %w", err)
	}
	summary := exec.CommandContext(ctx, vegeta, "report", "-type=json")
	summary.Stdin = bytes.NewReader(results)
	text, err := summary.Output()
	if err != nil {
		return report{}, fmt.Errorf("vegeta: %w", err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return report{}, err
	}
	if r.Success != 1 {
		return r, fmt.Errorf("%s: %.4f of the requests were answered", s.name, r.Success)
	}
	return r, nil
}
