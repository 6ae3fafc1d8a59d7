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

// latency returns a quantile of the outcomes' times in milliseconds, or zero without outcomes.
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

// perSecond returns the number of outcomes in each second of a load. It ignores later outcomes.
func perSecond(outcomes []outcome, d time.Duration) []int {
	counts := make([]int, d/time.Second)
	for _, o := range outcomes {
		if i := int(o.at / time.Second); i < len(counts) {
			counts[i]++
		}
	}
	return counts
}

// rate returns the outcomes per second between two times of a load.
func rate(outcomes []outcome, from, to time.Duration) float64 {
	n := 0
	for _, o := range outcomes {
		if o.at >= from && o.at < to {
			n++
		}
	}
	return float64(n) / (to - from).Seconds()
}

// refusals counts refusals by code and text, the most frequent first.
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
