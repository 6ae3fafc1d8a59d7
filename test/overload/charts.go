package main

import (
	"fmt"

	"credential-resolver/test/plot"
)

// plotFolder is the folder of the plots, beside the page. The others are their files.
const (
	plotFolder = "reliability"
	loadChart  = "overload-by-load.svg"
	timeChart  = "overload-over-time.svg"
)

// timeMultiple is the load of the chart over time.
const timeMultiple = 2

// charts returns the plots by file name.
func (r report) charts() map[string]plot.Chart {
	return map[string]plot.Chart{loadChart: r.byLoad(), timeChart: r.overTime()}
}

// byLoad shows the rate of right answers at each load.
func (r report) byLoad() plot.Chart {
	c := plot.Chart{
		Title: "Right answers a second by load", X: "requests a second, as a multiple of the capacity",
		Y: "right answers a second", Linear: true,
		Lines: []plot.Line{{Name: "capacity of the store", Color: plot.Black, Dashed: true, Bare: true}},
	}
	for i, v := range r.versions() {
		l := plot.Line{Name: v.name, Color: colors[i]}
		for _, one := range v.Loads {
			if one.Secrets > 1 {
				continue
			}
			x := float64(one.Multiple)
			l.Points = append(l.Points, plot.Point{X: x, Y: one.Rate})
			if v.name == "now" {
				c.Lines[0].Points = append(c.Lines[0].Points, plot.Point{X: x, Y: one.Capacity})
			}
		}
		c.Lines = append(c.Lines, l)
	}
	return c
}

// overTime shows the right answers in each second of one load.
func (r report) overTime() plot.Chart {
	c := plot.Chart{
		Title: fmt.Sprintf("Right answers over time, at %d times the capacity", timeMultiple), X: "seconds",
		Y: "right answers a second", Linear: true,
	}
	for i, v := range r.versions() {
		l := plot.Line{Name: v.name, Color: colors[i], Bare: true}
		for _, one := range v.Loads {
			if one.Multiple != timeMultiple {
				continue
			}
			for second, n := range one.Right {
				l.Points = append(l.Points, plot.Point{X: float64(second + 1), Y: float64(n)})
			}
		}
		c.Lines = append(c.Lines, l)
	}
	return c
}

// colors are the colours of the versions.
var colors = []string{plot.Red, plot.Blue}
