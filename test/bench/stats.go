package main

import (
	"slices"
	"time"
)

// spread is the median of the rounds, and the minimum and the maximum.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	return spread{v[len(v)/2], v[0], v[len(v)-1]}
}

// rate returns operations per second.
func (s series) rate() spread {
	var rates []float64
	for _, one := range s {
		rates = append(rates, one.rate())
	}
	return spreadOf(rates)
}

// over returns the ratio of the rates, each round compared with the same round of other.
func (s series) over(other series) spread {
	var ratios []float64
	for i := range s {
		ratios = append(ratios, s[i].rate()/other[i].rate())
	}
	return spreadOf(ratios)
}

// used returns the component's processor time per operation.
func (s series) used() time.Duration {
	var used time.Duration
	operations := 0
	for _, one := range s {
		used += one.used
		operations += len(one.latencies)
	}
	return used / time.Duration(operations)
}

// latency returns a quantile of the latencies of all rounds.
func (s series) latency(part float64) time.Duration {
	var all []time.Duration
	for _, one := range s {
		all = append(all, one.latencies...)
	}
	slices.Sort(all)
	return all[int(part*float64(len(all)-1))]
}
