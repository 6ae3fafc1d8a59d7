package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// way is a way to get a credential from Python. All use the same version of the Dapr SDK.
type way struct{ name, call, store string }

// The original creates a client for each request, and so does the second way. docs/migration.md
// uses the last two.
var ways = []way{
	{"the library", "original", ""},
	{"here, nothing cached, a client for each call", "fresh", uncached},
	{"here, nothing cached", "kept", uncached},
	{"here", "kept", cached},
}

// measure requests each sample in every way, round by round. It returns a table with the time
// per credential, and the ratio to the original in the same round.
func measure(p *testbed, w dataset, rounds int) (string, error) {
	var table strings.Builder
	table.WriteString("| credential | way | ms, middle (least to most) | the library takes |\n|---|---|---|---|\n")
	for _, c := range w.measured {
		seconds := make([][]float64, len(ways))
		for range rounds {
			for i, way := range ways {
				s, err := way.round(p, c.guid)
				if err != nil {
					return "", err
				}
				seconds[i] = append(seconds[i], s)
			}
		}
		for i, way := range ways {
			var times, ratios []float64
			for round, s := range seconds[i] {
				times = append(times, 1000*s)
				ratios = append(ratios, seconds[0][round]/s)
			}
			t, r := spreadOf(times), spreadOf(ratios)
			fmt.Fprintf(&table, "| `%s` | %s | %.2f (%.2f to %.2f) |", c.guid, way.name, t.median, t.least, t.most)
			if i > 0 {
				fmt.Fprintf(&table, " %.1f times that (%.1f to %.1f)", r.median, r.least, r.most)
			}
			table.WriteString(" |\n")
		}
	}
	return table.String(), nil
}

// round requests a credential several times, and returns the seconds per request.
func (way way) round(p *testbed, guid string) (float64, error) {
	answer, err := p.original.ask(originalRequest{
		Call: "measure", Way: way.call, GUID: guid, Store: way.store, Count: p.version.calls,
	})
	if err == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %s: %w", guid, way.name, err)
	}
	return answer.Seconds, nil
}

// spread is the median of the rounds, and the minimum and the maximum.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	return spread{v[len(v)/2], v[0], v[len(v)-1]}
}
