package main

import "strings"

// plotFolder is where the plots are, beside the page.
const plotFolder = "benchmarks"

// The files of the plots.
const (
	credentialsChart = "credentials.svg"
	memoryChart      = "memory.svg"
	fieldsChart      = "fields.svg"
)

func rateChart(protocol string) string { return "rates-" + strings.ToLower(protocol) + ".svg" }

// charts are the plots, by file.
func (r report) charts() map[string]chart {
	all := map[string]chart{
		credentialsChart: r.credentialsChart(), memoryChart: r.memoryChart(), fieldsChart: r.fieldsChart(),
	}
	for _, protocol := range protocols() {
		all[rateChart(protocol)] = r.rateChart(protocol)
	}
	return all
}

func (r report) rateChart(protocol string) chart {
	colors := map[string]string{
		floor: black, hit: green, missFile: orange, missVault: blue, oldWay: red, daprdsFile: sky,
		hitSix: green, missSix: blue, oldWaySix: red,
	}
	c := chart{title: "Credentials a second over " + protocol, x: "connections", y: "credentials a second"}
	for _, s := range sideBySide() {
		_, single := map[string]bool{hitSix: true, missSix: true, oldWaySix: true}[s.id]
		l := line{name: s.title, color: colors[s.id], dashed: single}
		for _, n := range connections() {
			rate := r.sideBySide[place{protocol, n}][s.id].rate().median
			l.points = append(l.points, point{float64(n), rate})
		}
		c.lines = append(c.lines, l)
	}
	return c
}

// latencyLines are the middle latency and that of one in a hundred, in ms.
func latencyLines(name, color string, xs []int, at func(i int) series) []line {
	p50 := line{name: name + ", p50", color: color}
	p99 := line{name: name + ", p99", color: color, dashed: true}
	for i, x := range xs {
		s := at(i)
		p50.points = append(p50.points, point{float64(x), s.latency(0.5).Seconds() * 1e3})
		p99.points = append(p99.points, point{float64(x), s.latency(0.99).Seconds() * 1e3})
	}
	return []line{p50, p99}
}

// asMany are what was measured with all credentials in the cache, and their numbers.
func (r report) asMany() (all []grown, counts []int) {
	for _, g := range r.growth {
		if g.stored == g.cached {
			all, counts = append(all, g), append(counts, g.stored)
		}
	}
	return all, counts
}

func (r report) credentialsChart() chart {
	c := chart{title: "Latency by credentials, one connection", x: "credentials", y: "ms"}
	all, counts := r.asMany()
	c.lines = append(
		latencyLines("a hit", green, counts, func(i int) series { return all[i].hits.alone }),
		latencyLines("a miss", orange, counts, func(i int) series { return all[i].misses.alone })...)
	return c
}

func (r report) memoryChart() chart {
	cached, uncached := line{name: "all in the cache", color: green}, line{name: "without the cache", color: orange}
	all, _ := r.asMany()
	for _, g := range all {
		n := float64(g.stored)
		cached.points = append(cached.points, point{n, float64(g.hits.resident) / (1 << 20)})
		uncached.points = append(uncached.points, point{n, float64(g.misses.resident) / (1 << 20)})
	}
	return chart{
		title: "Resident memory by credentials", x: "credentials", y: "MiB", lines: []line{cached, uncached},
	}
}

func (r report) fieldsChart() chart {
	of := func(store string) func(i int) series {
		return func(i int) series { return r.fields[fieldsID(store, fieldCounts()[i])] }
	}
	c := chart{title: "Latency by fields, one connection", x: "fields of the config", y: "ms"}
	c.lines = append(latencyLines("a hit", green, fieldCounts(), of(cachedFile)),
		latencyLines("a miss", orange, fieldCounts(), of(uncachedFile))...)
	return c
}
