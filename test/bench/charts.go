package main

import (
	"strings"

	"credential-resolver/test/plot"
)

// plotFolder is the folder of the plots, beside the page.
const plotFolder = "benchmarks"

// The files of the plots.
const (
	credentialsChart = "credentials.svg"
	memoryChart      = "memory.svg"
	fieldsChart      = "fields.svg"
)

func rateChart(protocol string) string { return "rates-" + strings.ToLower(protocol) + ".svg" }

// charts returns the plots by file name.
func (r report) charts() map[string]plot.Chart {
	all := map[string]plot.Chart{
		credentialsChart: r.credentialsChart(), memoryChart: r.memoryChart(), fieldsChart: r.fieldsChart(),
	}
	for _, protocol := range protocols() {
		all[rateChart(protocol)] = r.rateChart(protocol)
	}
	return all
}

func (r report) rateChart(protocol string) plot.Chart {
	colors := map[string]string{
		floor: plot.Black, hit: plot.Green, missFile: plot.Orange, missVault: plot.Blue, oldWay: plot.Red, daprdsFile: plot.Sky,
		hitSix: plot.Green, missSix: plot.Blue, oldWaySix: plot.Red,
	}
	c := plot.Chart{Title: "Credentials a second over " + protocol, X: "connections", Y: "credentials a second"}
	for _, s := range sideBySide() {
		if colors[s.id] == "" {
			continue
		}
		_, single := map[string]bool{hitSix: true, missSix: true, oldWaySix: true}[s.id]
		l := plot.Line{Name: s.title, Color: colors[s.id], Dashed: single}
		for _, n := range connections() {
			rate := r.sideBySide[setting{protocol, n}][s.id].rate().median
			l.Points = append(l.Points, plot.Point{X: float64(n), Y: rate})
		}
		c.Lines = append(c.Lines, l)
	}
	return c
}

// latencyLines returns lines of the median latency and of the 99th percentile, in ms.
func latencyLines(name, color string, xs []int, at func(i int) series) []plot.Line {
	p50 := plot.Line{Name: name + ", p50", Color: color}
	p99 := plot.Line{Name: name + ", p99", Color: color, Dashed: true}
	for i, x := range xs {
		s := at(i)
		p50.Points = append(p50.Points, plot.Point{X: float64(x), Y: s.latency(0.5).Seconds() * 1e3})
		p99.Points = append(p99.Points, plot.Point{X: float64(x), Y: s.latency(0.99).Seconds() * 1e3})
	}
	return []plot.Line{p50, p99}
}

// asMany returns the measurements with all credentials in the cache, and their numbers of
// credentials.
func (r report) asMany() (all []grown, counts []int) {
	for _, g := range r.growth {
		if g.stored == g.cached {
			all, counts = append(all, g), append(counts, g.stored)
		}
	}
	return all, counts
}

func (r report) credentialsChart() plot.Chart {
	c := plot.Chart{Title: "Latency by credentials, one connection", X: "credentials", Y: "ms"}
	all, counts := r.asMany()
	c.Lines = append(
		latencyLines("a hit", plot.Green, counts, func(i int) series { return all[i].hits.alone }),
		latencyLines("a miss", plot.Orange, counts, func(i int) series { return all[i].misses.alone })...)
	return c
}

func (r report) memoryChart() plot.Chart {
	cached, uncached := plot.Line{Name: "all in the cache", Color: plot.Green}, plot.Line{Name: "without the cache", Color: plot.Orange}
	all, _ := r.asMany()
	for _, g := range all {
		n := float64(g.stored)
		cached.Points = append(cached.Points, plot.Point{X: n, Y: float64(g.hits.resident) / (1 << 20)})
		uncached.Points = append(uncached.Points, plot.Point{X: n, Y: float64(g.misses.resident) / (1 << 20)})
	}
	return plot.Chart{
		Title: "Resident memory by credentials", X: "credentials", Y: "MiB", Lines: []plot.Line{cached, uncached},
	}
}

func (r report) fieldsChart() plot.Chart {
	of := func(store string) func(i int) series {
		return func(i int) series { return r.fields[fieldsID(store, fieldCounts()[i])] }
	}
	c := plot.Chart{Title: "Latency by fields, one connection", X: "fields of the config", Y: "ms"}
	c.Lines = append(latencyLines("a hit", plot.Green, fieldCounts(), of(cachedFile)),
		latencyLines("a miss", plot.Orange, fieldCounts(), of(uncachedFile))...)
	return c
}
