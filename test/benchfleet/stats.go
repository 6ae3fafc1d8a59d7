package main

import (
	"math"
	"slices"
	"time"
)

// span is a named part of a run.
type span struct {
	name     string
	from, to time.Duration
}

// of returns the part of a series, by step, that belongs to a span. Missing steps are zero. A
// step belongs to the span in which it ends.
func (s span) of(series []float64, step time.Duration) []float64 {
	part := make([]float64, max(1, int(s.to/step)-int(s.from/step)))
	for i := range part {
		if at := int(s.from/step) + i; at < len(series) {
			part[i] = series[at]
		}
	}
	return part
}

// sum, mean and peak take rates by step.
func sum(rates []float64) float64 {
	total := 0.0
	for _, r := range rates {
		total += r
	}
	return total
}

func mean(rates []float64) float64 { return sum(rates) / float64(len(rates)) }

func peak(rates []float64) float64 { return slices.Max(rates) }

// deviation is the standard deviation of rates by step.
func deviation(rates []float64) float64 {
	m, squares := mean(rates), 0.0
	for _, r := range rates {
		squares += (r - m) * (r - m)
	}
	return math.Sqrt(squares / float64(len(rates)))
}

// chance is the standard deviation of the rates of requests that come at random times, for a
// mean rate.
func chance(mean float64, step time.Duration) float64 { return math.Sqrt(mean / step.Seconds()) }

// middle and last take durations.
func middle(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }

func last(d []time.Duration) time.Duration { return slices.Max(d) }
