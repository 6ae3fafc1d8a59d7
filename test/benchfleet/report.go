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
	"credential-resolver/test/plot"
)

// The page with the results, their place in it, and the plot beside it. A trial writes a page
// of its own, to keep the other benchmark's trial page.
const (
	document  = "benchmarks.md"
	trialPage = "fleet.md"
	part      = "fleet"
	chartFile = "benchmarks/fleet.svg"
)

// write writes the page and its plot into a folder. The prose comes from docs.
func (f *found) write() error {
	tables := f.text()
	fmt.Print(tables)
	page := filepath.Join(f.plan.folder(), document)
	if f.plan.trial() {
		page = filepath.Join(f.plan.folder(), trialPage)
	}
	file := filepath.Join(f.plan.folder(), chartFile)
	return errors.Join(
		os.MkdirAll(filepath.Dir(file), 0o755),
		os.WriteFile(file, []byte(f.chart().SVG()), 0o644),
		markdown.Replace(filepath.Join(docsFolder, document), part, tables, page),
	)
}

// text returns the generated part of the page.
func (f *found) text() string {
	var b strings.Builder
	p := f.plan
	fmt.Fprintf(&b, "\n%d cores (%s/%s); %d processes, %d credentials of which each has %d in use and is asked for each of them every %v; "+
		"`cacheTTL` %v, `breakerInterval` %v.\n\n### Reads a second, by phase\n\n",
		runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, p.processes, p.credentials, inUse, p.askEvery(),
		p.ttl(), p.breakerInterval().Round(time.Millisecond))
	b.WriteString(f.byPhase())
	fmt.Fprintf(&b, "![Reads a second over time](%s)\n\n", chartFile)
	b.WriteString("### Against the formula\n\n" + f.formula())
	b.WriteString("### A rotation, and the end of an outage\n\n" + f.delays())
	b.WriteString("### All processes are restarted at once\n\n" + f.restarted())
	return b.String()
}

func (f *found) chart() plot.Chart {
	series := func(name, color string, rates []float64) plot.Line {
		l := plot.Line{Name: name, Color: color, Bare: true}
		for i, r := range rates {
			l.Points = append(l.Points, plot.Point{X: float64(i+1) * f.plan.step().Seconds(), Y: r})
		}
		return l
	}
	c := plot.Chart{
		Title: "Reads a second", X: "seconds", Y: "reads a second", Linear: true,
		Lines: []plot.Line{
			series("Vault", plot.Blue, f.vault), series("Redis", plot.Orange, f.redis),
			series("connections to a store that is down", plot.Red, f.refused),
		},
	}
	for _, s := range f.spans {
		if !strings.HasPrefix(s.name, "TTL ") || strings.HasPrefix(s.name, "TTL 1 ") {
			c.Spans = append(c.Spans, plot.Span{Name: strings.Replace(s.name, "TTL 1 ", "", 1), From: s.from.Seconds()})
		}
	}
	return c
}
