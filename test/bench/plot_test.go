package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChartIsXML(t *testing.T) {
	c := chart{title: "a < b & c", x: "x", y: "y", lines: []line{
		{name: `"one"`, color: black, points: []point{{1, 40}, {128, 44}}},
		{name: "two", color: red, dashed: true, points: []point{{1, 41}, {128, 41}}},
	}}
	svg := c.svg()
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
			a := axis{test.least, test.most, 0, 100}.rounded()
			require.InDeltaSlice(t, test.marks, a.marks(), 1e-9)
			require.LessOrEqual(t, a.least, test.least)
			require.GreaterOrEqual(t, a.most, test.most)
		})
	}
}
