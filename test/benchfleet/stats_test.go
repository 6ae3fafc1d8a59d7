package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRatesAreOfTheirSteps(t *testing.T) {
	begin := time.Unix(1000, 0)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	rates := perSecond([]time.Time{at(-1), at(0), at(499), at(500), at(1600)}, begin, 500*time.Millisecond)
	require.Equal(t, []float64{4, 2, 0, 2}, rates)

	s := span{from: 500 * time.Millisecond, to: 3 * time.Second}
	require.Equal(t, []float64{2, 0, 2, 0, 0}, s.of(rates, 500*time.Millisecond), "steps after the end of the series are zero")
}

func TestDeviation(t *testing.T) {
	require.InDelta(t, 5, deviation([]float64{0, 10}), 1e-9)
	require.InDelta(t, 10, chance(100, time.Second), 1e-9)
	require.InDelta(t, 20, chance(100, 250*time.Millisecond), 1e-9, "shorter steps have fewer requests each")
	require.InDelta(t, 3, peak([]float64{1, 3, 2}), 0)
}

func TestDelays(t *testing.T) {
	d := []time.Duration{3, 1, 2}
	require.Equal(t, time.Duration(2), middle(d))
	require.Equal(t, time.Duration(3), last(d))
}

func TestReadsBetween(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	require.Equal(t, 2, readsBetween([]time.Time{at(1), at(2), at(3), at(4)}, at(2), at(4)))
}

func TestALateReadingLosesNothing(t *testing.T) {
	begin := time.Unix(1000, 0)
	at := func(ms int, calls int) reading {
		return reading{begin.Add(time.Duration(ms) * time.Millisecond), calls}
	}
	rates := betweenReadings([]reading{at(0, 100), at(1500, 250), at(2000, 270), at(3000, 300)}, begin, time.Second)
	require.InDeltaSlice(t, []float64{100, 70, 30}, rates, 1e-9)
	require.Empty(t, betweenReadings(nil, begin, time.Second))
}
