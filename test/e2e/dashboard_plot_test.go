//go:build e2e && observe

package e2e

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
	"credential-resolver/test/plot"
)

// drawOutage draws some panels of the dashboard, one below the other.
func drawOutage(t *testing.T, p *harness.Prometheus, began, down, up, ended time.Time) string {
	t.Helper()
	spans := []plot.Span{
		{Name: "the store is up", From: 0},
		{Name: "the store is down", From: down.Sub(began).Seconds()},
		{Name: "the store is up again", From: up.Sub(began).Seconds()},
	}
	var charts []plot.Chart
	for _, panel := range []struct {
		title, unit string
		name        func(labels map[string]string, query int) string
		query       int // the only query of the panel to draw; -1 means all
	}{
		{"Requests by what the cache had", "requests a second", func(l map[string]string, _ int) string { return l["cache"] }, -1},
		{"Duration of calls to stores", "seconds, 99th percentile", func(l map[string]string, _ int) string { return l["store"] }, 1},
		{"Circuit breakers that are not closed", "stores", func(l map[string]string, _ int) string { return l["store"] + " " + l["state"] }, -1},
		{"Age of the oldest stale answer", "seconds", func(map[string]string, int) string { return "oldest stale answer" }, -1},
	} {
		c := plot.Chart{Title: panel.title, X: "seconds", Y: panel.unit, Linear: true, Spans: spans}
		n := 0
		for _, q := range dashboardQueries(t) {
			if q.panel != panel.title {
				continue
			}
			if panel.query < 0 || panel.query == n {
				for _, series := range query(t, p, q.expression, began, ended) {
					c.Lines = append(c.Lines, lineOf(series, began, panel.name(series.Labels, n)))
				}
			}
			n++
		}
		require.NotEmpty(t, c.Lines, panel.title)
		slices.SortFunc(c.Lines, func(a, b plot.Line) int { return cmp.Compare(a.Name, b.Name) })
		colors := []string{plot.Blue, plot.Orange, plot.Green, plot.Red, plot.Sky, plot.Black}
		for i := range c.Lines {
			c.Lines[i].Color = colors[i%len(colors)]
		}
		charts = append(charts, c)
	}
	return plot.Stack(charts...)
}

func lineOf(series harness.Series, began time.Time, name string) plot.Line {
	l := plot.Line{Name: name, Bare: true}
	for _, s := range series.Points {
		l.Points = append(l.Points, plot.Point{X: s.At.Sub(began).Seconds(), Y: s.Value})
	}
	return l
}
