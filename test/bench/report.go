package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"credential-resolver/test/markdown"
)

// report is the result of a run.
type report struct {
	plan       plan
	sideBySide results
	fields     map[string]series
	growth     []grown
	rotation   rotation
}

// document is the page with the results, and part is their place in it.
const (
	document = "benchmarks.md"
	part     = "results"
)

// write writes the page and its plots into a folder. The prose comes from docs.
func (r report) write() error {
	folder := r.plan.folder
	tables := r.text()
	fmt.Print(tables)
	err := os.MkdirAll(filepath.Join(folder, plotFolder), 0o755)
	for name, c := range r.charts() {
		err = errors.Join(err, os.WriteFile(filepath.Join(folder, plotFolder, name), []byte(c.SVG()), 0o644))
	}
	return errors.Join(err, markdown.Replace(filepath.Join(docsFolder, document), part, tables, filepath.Join(folder, document)))
}

// text returns the generated part of the page.
func (r report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d cores (%s/%s), %d rounds of %s.\n\n### Ratios of requests a second\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, r.plan.rounds, r.plan.round().Round(time.Millisecond))
	for _, protocol := range protocols() {
		b.WriteString(r.ratios(protocol))
	}
	b.WriteString("### Requests a second, and latency in ms: p50 / p99\n\n")
	for _, protocol := range protocols() {
		b.WriteString(r.rates(protocol))
		fmt.Fprintf(&b, "![Requests a second over %s](%s/%s)\n\n", protocol, plotFolder, rateChart(protocol))
	}
	b.WriteString("### What a miss spends its time with\n\n" + r.portions())
	b.WriteString("### Processor time of the component a request, in µs, and its ratio to that of (a)\n\n")
	for _, protocol := range protocols() {
		b.WriteString(r.used(protocol))
	}
	fmt.Fprintf(&b, "### A rotation, over gRPC at %d connections, on Redis and Vault\n\n%s", rotationUsers, r.rotation.table())
	b.WriteString("### Growth with credentials, over gRPC\n\n" + r.byCredentials())
	fmt.Fprintf(&b, "![Latency by credentials](%s/%s)\n\n![Memory by credentials](%s/%s)\n\n",
		plotFolder, credentialsChart, plotFolder, memoryChart)
	b.WriteString("### Growth with fields, over gRPC, one connection\n\n" + r.byFields())
	fmt.Fprintf(&b, "![Latency by fields](%s/%s)\n\n", plotFolder, fieldsChart)
	return b.String()
}
