package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChartIsXML(t *testing.T) {
	c := Chart{Title: "a < b & c", X: "x", Y: "y", Lines: []Line{
		{Name: `"one"`, Color: Black, Points: []Point{{1, 40}, {128, 44}}},
		{Name: "two", Color: Red, Dashed: true, Points: []Point{{1, 41}, {128, 41}}},
	}}
	svg := c.SVG()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.Contains(t, svg, "a &lt; b &amp; c")
	require.NotContains(t, svg, "NaN")
	require.NotContains(t, svg, "Inf")
}

func TestAxis(t *testing.T) {
	for name, test := range map[string]struct {
		least, most float64
		marks       []float64
	}{
		"within a step":     {41, 44, []float64{20, 50}},
		"at the steps":      {20, 50, []float64{20, 50}},
		"below one":         {0.3, 3, []float64{0.2, 0.5, 1, 2, 5}},
		"of one value":      {10, 10, []float64{10}},
		"of one odd value":  {7, 7, []float64{5, 10}},
		"over many decades": {30, 90_000, []float64{100, 1000, 10_000, 100_000}},
	} {
		t.Run(name, func(t *testing.T) {
			a := axis{least: test.least, most: test.most, to: 100}.rounded()
			require.InDeltaSlice(t, test.marks, a.marks(), 1e-9)
			require.LessOrEqual(t, a.least, test.least)
			require.GreaterOrEqual(t, a.most, test.most)
		})
	}
}

func TestLinearAxis(t *testing.T) {
	for name, test := range map[string]struct {
		most  float64
		marks []float64
	}{
		"nothing":       {0, []float64{0}},
		"a round value": {10, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		"an odd value":  {255, []float64{0, 50, 100, 150, 200, 250, 300}},
	} {
		t.Run(name, func(t *testing.T) {
			a := axis{most: test.most, to: 100, linear: true}.rounded()
			require.InDeltaSlice(t, test.marks, a.marks(), 1e-9)
		})
	}
}

func TestSpansAreDrawn(t *testing.T) {
	c := Chart{Linear: true, Lines: []Line{{Color: Black, Bare: true, Points: []Point{{0, 0}, {9, 3}}}}, Spans: []Span{{"first", 0}, {"second", 5}}}
	svg := c.SVG()
	require.Contains(t, svg, "2. second")
	require.NotContains(t, svg, "circle")
	require.NotContains(t, svg, "NaN")
}
