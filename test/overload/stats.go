package main

import (
	"cmp"
	"slices"
	"time"
)

// of returns the outcomes with a result.
func of(outcomes []outcome, r result) []outcome {
	var some []outcome
	for _, o := range outcomes {
		if o.result == r {
			some = append(some, o)
		}
	}
	return some
}

// latency is the time in milliseconds that a part of the outcomes took at most; zero if
// there are none.
func latency(outcomes []outcome, part float64) float64 {
	if len(outcomes) == 0 {
		return 0
	}
	var all []time.Duration
	for _, o := range outcomes {
		all = append(all, o.took)
	}
	slices.Sort(all)
	return milliseconds(all[int(part*float64(len(all)-1))])
}

// perSecond counts the outcomes of each second of a load; those after its end are left
// out.
func perSecond(outcomes []outcome, d time.Duration) []int {
	counts := make([]int, d/time.Second)
	for _, o := range outcomes {
		if i := int(o.at / time.Second); i < len(counts) {
			counts[i]++
		}
	}
	return counts
}

// rate is how many outcomes a second there are from one time of a load to another.
func rate(outcomes []outcome, from, to time.Duration) float64 {
	n := 0
	for _, o := range outcomes {
		if o.at >= from && o.at < to {
			n++
		}
	}
	return float64(n) / (to - from).Seconds()
}

// refusals counts refusals by their code and words, the most frequent first.
func refusals(outcomes []outcome) []refusalCount {
	var all []refusalCount
	for _, o := range of(outcomes, refused) {
		i := slices.IndexFunc(all, func(r refusalCount) bool { return r.Code == o.code && r.Words == o.words })
		if i < 0 {
			i = len(all)
			all = append(all, refusalCount{Code: o.code, Words: o.words})
		}
		all[i].Count++
	}
	slices.SortFunc(all, func(a, b refusalCount) int { return cmp.Compare(b.Count, a.Count) })
	return all
}

func milliseconds(d time.Duration) float64 { return float64(d.Round(time.Millisecond).Milliseconds()) }
