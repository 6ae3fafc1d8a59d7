package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds returns samples of one second, each with a number of operations that took 1 ms, 2 ms,
// …
func rounds(counts ...int) series {
	var s series
	for _, n := range counts {
		one := sample{took: time.Second}
		for i := range n {
			one.latencies = append(one.latencies, time.Duration(i+1)*time.Millisecond)
		}
		s = append(s, one)
	}
	return s
}

func TestRatioIsOfTheSameRound(t *testing.T) {
	slow, fast := rounds(10, 20, 40), rounds(20, 60, 80)
	require.Equal(t, spread{20, 10, 40}, slow.rate())
	require.Equal(t, spread{2, 2, 3}, fast.over(slow))
}

func TestLatencyIsOfAllRounds(t *testing.T) {
	s := rounds(100, 1)
	require.Equal(t, 50*time.Millisecond, s.latency(0.5))
	require.Equal(t, 99*time.Millisecond, s.latency(0.99))
	require.Equal(t, "50.00 / 99.00", s.latencies())
}
