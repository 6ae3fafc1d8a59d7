package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// chart is a plot of lines over two logarithmic axes.
type chart struct {
	title, x, y string
	lines       []line
}

// line is what one subject gave; its points have positive coordinates.
type line struct {
	name   string
	color  string
	dashed bool
	points []point
}

type point struct{ x, y float64 }

// Where things are in a plot, in pixels; the legend is right of the frame.
const (
	width, height            = 1000, 460
	left, right, top, bottom = 80, 650, 50, 390
	legendX, legendStep      = 680, 24
	textStyle                = `font-family="sans-serif" font-size="13" fill="#222"`
)

// Colours that people with any sight tell apart (Okabe and Ito's).
const (
	black  = "#000000"
	orange = "#e69f00"
	sky    = "#56b4e9"
	green  = "#009e73"
	blue   = "#0072b2"
	red    = "#d55e00"
)

// svg draws the chart.
func (c chart) svg() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" %s>`+"\n",
		width, height, width, height, textStyle)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	label(&b, (left+right)/2, top-20, "middle", c.title, `font-size="16"`)
	label(&b, (left+right)/2, bottom+48, "middle", c.x)
	label(&b, 22, (top+bottom)/2, "middle", c.y, fmt.Sprintf(`transform="rotate(-90 22 %d)"`, (top+bottom)/2))
	across, up := c.axes()
	for _, x := range c.marks() {
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
	for i, l := range c.lines {
		l.draw(&b, across, up)
		y := float64(top + 10 + i*legendStep)
		l.stroke(&b, fmt.Sprintf("M%d %.1fh28", legendX, y))
		label(&b, legendX+36, y+4, "start", l.name)
	}
	return b.String() + "</svg>\n"
}

func (l line) draw(b *strings.Builder, across, up axis) {
	path := "M"
	for _, p := range l.points {
		path += fmt.Sprintf(" %.1f %.1f", across.at(p.x), up.at(p.y))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", across.at(p.x), up.at(p.y), l.color)
	}
	l.stroke(b, path)
}

func (l line) stroke(b *strings.Builder, path string) {
	dashes := ""
	if l.dashed {
		dashes = ` stroke-dasharray="6 4"`
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", path, l.color, dashes)
}

// label writes a text; more are further attributes.
func label(b *strings.Builder, x, y float64, anchor, text string, more ...string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" %s>`, x, y, anchor, strings.Join(more, " "))
	_ = xml.EscapeText(b, []byte(text)) // a strings.Builder takes everything
	b.WriteString("</text>\n")
}

// short writes a number as a mark has it: 0.5, 200, 5k, 1M.
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

// marks are the places on the x axis where something was measured.
func (c chart) marks() []float64 {
	var marks []float64
	for _, p := range c.lines[0].points {
		marks = append(marks, p.x)
	}
	return marks
}

func (c chart) axes() (across, up axis) {
	across = axis{math.Inf(1), math.Inf(-1), left + 20, right - 20}
	up = axis{math.Inf(1), math.Inf(-1), bottom - 15, top + 15}
	for _, l := range c.lines {
		for _, p := range l.points {
			across.reach(p.x)
			up.reach(p.y)
		}
	}
	return across, up.rounded()
}
