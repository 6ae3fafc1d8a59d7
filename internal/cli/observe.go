package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"credential-resolver/component"
)

// newRegistry returns a registry with the metrics of the process and of its build.
func newRegistry(version string) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo(version))
	return registry
}

// buildInfo returns the metric that says which build is running.
func buildInfo(version string) prometheus.Collector {
	modules := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			modules[m.Path] = m.Version
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: component.BuildInfo,
		Help: "Always 1; its labels are the versions of the component, of Go, and of Dapr's modules.",
		ConstLabels: prometheus.Labels{
			"version": version, "goversion": runtime.Version(),
			"contrib": modules["github.com/dapr/components-contrib"], "dapr": modules["github.com/dapr/dapr"],
		},
	}, func() float64 { return 1 })
}

// maxScrapes is how many scrapes are answered at a time. Further ones get 503.
const maxScrapes = 8

// serveHTTP serves metrics and health at an address until stop is called. If the address is
// empty, it serves nothing.
func serveHTTP(ctx context.Context, address string, registry *prometheus.Registry, h health) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics-listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	mux.HandleFunc("GET /healthz", alive)
	mux.Handle("GET /readyz", h)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() { _ = server.Serve(listener) }() // Close ends it
	return func() { _ = server.Close() }, nil
}
