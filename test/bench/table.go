package main

import (
	"fmt"
	"strconv"
	"time"

	"credential-resolver/test/markdown"
)

// head returns a first row that ends with the numbers of connections.
func head(protocol string) []string {
	row := []string{protocol + ", connections"}
	for _, n := range connections() {
		row = append(row, strconv.Itoa(n))
	}
	return row
}

func (r report) ratios(protocol string) string {
	t := markdown.Table{head(protocol)}
	for _, c := range comparisons() {
		row := []string{fmt.Sprintf("(%s)/(%s) %s", c.of, c.to, c.title)}
		for _, n := range connections() {
			here := r.sideBySide[setting{protocol, n}]
			s := here[c.of].over(here[c.to])
			row = append(row, fmt.Sprintf("**%.2f** (%.2f to %.2f)", s.median, s.least, s.most))
		}
		t = append(t, row)
	}
	return t.String()
}

func (r report) rates(protocol string) string {
	t := markdown.Table{head(protocol)}
	for _, s := range sideBySide() {
		row := []string{fmt.Sprintf("(%s) %s", s.id, s.title)}
		for _, n := range connections() {
			found := r.sideBySide[setting{protocol, n}][s.id]
			row = append(row, fmt.Sprintf("**%s**, %s", markdown.Thousands(found.rate().median), found.latencies()))
		}
		t = append(t, row)
	}
	return t.String()
}

// portions returns a table of what the median request spends its time with at one connection, in
// milliseconds.
func (r report) portions() string {
	t := markdown.Table{append([]string{"at one connection, p50 in ms"}, protocols()...)}
	for _, p := range portions() {
		name := "(" + p.of + ")"
		if p.less != "" {
			name += " − (" + p.less + ")"
		}
		row := []string{name + " " + p.title}
		for _, protocol := range protocols() {
			here := r.sideBySide[setting{protocol, 1}]
			spent := here[p.of].latency(0.5)
			if p.less != "" {
				spent -= here[p.less].latency(0.5)
			}
			row = append(row, milliseconds(spent))
		}
		t = append(t, row)
	}
	return t.String()
}

// used returns a table of the component's processor time per operation in microseconds. Other
// load on the machine hardly affects it.
func (r report) used(protocol string) string {
	t := markdown.Table{head(protocol)}
	for _, s := range sideBySide() {
		if !s.usesComponent() {
			continue
		}
		row := []string{fmt.Sprintf("(%s) %s", s.id, s.title)}
		for _, n := range connections() {
			here := r.sideBySide[setting{protocol, n}]
			own, least := here[s.id].used(), here[floor].used()
			row = append(row, fmt.Sprintf("%d, **%.2f**", own.Microseconds(), own.Seconds()/max(least.Seconds(), 1e-9)))
		}
		t = append(t, row)
	}
	return t.String()
}

func (r report) byCredentials() string {
	t := markdown.Table{{
		"credentials", "in the cache", "a miss, p50 / p99", fmt.Sprintf("a second at %d", manyConnections), "MiB",
		"a hit, p50 / p99", fmt.Sprintf("a second at %d", manyConnections), "MiB", "bytes each",
	}}
	for _, g := range r.growth {
		t = append(t, []string{
			markdown.Thousands(float64(g.stored)), markdown.Thousands(float64(g.cached)),
			g.misses.alone.latencies(), markdown.Thousands(g.misses.many.rate().median), mebibytes(g.misses.resident),
			g.hits.alone.latencies(), markdown.Thousands(g.hits.many.rate().median),
			mebibytes(g.hits.resident), g.bytesEach(),
		})
	}
	return t.String()
}

// bytesEach returns the memory of a cached credential, compared with a component without a
// cache after the same load. For few credentials, it is lost in the noise.
func (g grown) bytesEach() string {
	if g.cached < 10_000 {
		return ""
	}
	return markdown.Thousands(float64(g.hits.resident-g.misses.resident) / float64(g.cached))
}

func (r report) byFields() string {
	t := markdown.Table{{"fields", "a hit, p50 / p99", "a miss on SQLite and a file, p50 / p99"}}
	for _, n := range fieldCounts() {
		row := []string{strconv.Itoa(n)}
		for _, store := range []string{cachedFile, uncachedFile} {
			row = append(row, r.fields[fieldsID(store, n)].latencies())
		}
		t = append(t, row)
	}
	return t.String()
}

// latencies returns the median and the 99th percentile, in ms.
func (s series) latencies() string {
	return milliseconds(s.latency(0.5)) + " / " + milliseconds(s.latency(0.99))
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds()*1e3, 'f', 2, 64)
}

func mebibytes(n int64) string { return strconv.FormatInt(n>>20, 10) }
