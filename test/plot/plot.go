// Package plot draws the results of benchmarks as SVG.
package plot

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Chart is a plot of lines over two axes.
type Chart struct {
	// Title, X and Y are the texts above, below and to the left of the plot.
	Title, X, Y string
	Lines       []Line
	// Linear makes both axes linear and start at zero. Otherwise they are logarithmic, and all
	// coordinates must be positive.
	Linear bool
	// Spans are named parts of a linear x axis, from left to right.
	Spans []Span
}

// Line is the results of one subject.
type Line struct {
	Name   string
	Color  string
	Dashed bool
	Points []Point
	// Bare omits the marks of the points, for lines with many points.
	Bare bool
}

// Point is a point of a line.
type Point struct{ X, Y float64 }

// Span is a named part of the x axis. It ends where the next one begins.
type Span struct {
	Name string
	From float64
}

// The positions in a plot, in pixels. The legend is to the right of the frame.
const (
	width, height            = 1000, 460
	left, right, top, bottom = 80, 650, 50, 390
	legendX, legendStep      = 680, 24
	textStyle                = `font-family="sans-serif" font-size="13" fill="#222"`
)

// Colours that colour-blind people can distinguish (by Okabe and Ito).
const (
	Black  = "#000000"
	Orange = "#e69f00"
	Sky    = "#56b4e9"
	Green  = "#009e73"
	Blue   = "#0072b2"
	Red    = "#d55e00"
)

// SVG returns the chart as SVG.
func (c Chart) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" %s>`+"\n",
		width, height, width, height, textStyle)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	label(&b, (left+right)/2, top-20, "middle", c.Title, `font-size="16"`)
	label(&b, (left+right)/2, bottom+48, "middle", c.X)
	label(&b, 22, (top+bottom)/2, "middle", c.Y, fmt.Sprintf(`transform="rotate(-90 22 %d)"`, (top+bottom)/2))
	across, up := c.axes()
	for _, x := range c.marks(across) {
		at := across.at(x)
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/>`+"\n", at, top, bottom)
		label(&b, at, bottom+20, "middle", short(x))
	}
	for _, y := range up.marks() {
		at := up.at(y)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/>`+"\n", left, at, right)
		label(&b, left-8, at+4, "end", short(y))
	}
	fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" fill="none" stroke="#222"/>`+"\n", left, top, bottom, right)
	for i, l := range c.Lines {
		l.draw(&b, across, up)
		y := float64(top + 10 + i*legendStep)
		l.stroke(&b, fmt.Sprintf("M%d %.1fh28", legendX, y))
		label(&b, legendX+36, y+4, "start", l.Name)
	}
	c.drawSpans(&b, across)
	return b.String() + "</svg>\n"
}

// drawSpans draws the start of each span with a number that the legend explains, because a
// short span has no room for its name.
func (c Chart) drawSpans(b *strings.Builder, across axis) {
	for i, s := range c.Spans {
		at, number := across.at(s.From), strconv.Itoa(i+1)
		fmt.Fprintf(b, `<path d="M%.1f %dV%d" stroke="#888" stroke-dasharray="2 3"/>`+"\n", at, top, bottom)
		label(b, at+3, top-4, "start", number, `font-size="11"`)
		label(b, legendX, float64(top+20+(len(c.Lines)+i)*legendStep), "start", number+". "+s.Name)
	}
}

func (l Line) draw(b *strings.Builder, across, up axis) {
	path := "M"
	for _, p := range l.Points {
		path += fmt.Sprintf(" %.1f %.1f", across.at(p.X), up.at(p.Y))
		if !l.Bare {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", across.at(p.X), up.at(p.Y), l.Color)
		}
	}
	l.stroke(b, path)
}

func (l Line) stroke(b *strings.Builder, path string) {
	dashes := ""
	if l.Dashed {
		dashes = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", path, l.Color, dashes)
}

// label writes a text. more are additional attributes.
func label(b *strings.Builder, x, y float64, anchor, text string, more ...string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>`, x, y, anchor, strings.Join(more, " "))
	_ = xml.EscapeText(b, []byte(text)) // a strings.Builder never fails
	b.WriteString("</text>\n")
}

// short formats a number for a mark: 0.5, 200, 5k, 1M.
func short(v float64) string {
	unit := ""
	switch {
	case v >= 1e6:
		v, unit = v/1e6, "M"
	case v >= 1e3:
		v, unit = v/1e3, "k"
	}
	return strconv.FormatFloat(v, 'g', 6, 64) + unit
}

// marks returns the measured x values, or round values on a linear axis.
func (c Chart) marks(across axis) []float64 {
	if c.Linear {
		return across.marks()
	}
	var marks []float64
	for _, p := range c.Lines[0].Points {
		marks = append(marks, p.X)
	}
	return marks
}

func (c Chart) axes() (across, up axis) {
	across = axis{least: math.Inf(1), most: math.Inf(-1), from: left + 20, to: right - 20}
	up = axis{least: math.Inf(1), most: math.Inf(-1), from: bottom - 15, to: top + 15}
	if c.Linear {
		across = axis{from: left, to: right, linear: true}
		up = axis{from: bottom, to: top + 15, linear: true}
	}
	for _, l := range c.Lines {
		for _, p := range l.Points {
			across.reach(p.X)
			up.reach(p.Y)
		}
	}
	return across, up.rounded()
}
