package main

import "time"

// plan is the duration and the size of a run, and the folder of its results.
type plan struct {
	duration time.Duration // of each subject in each setting, all rounds together
	rounds   int           // how often subjects take turns; odd, so that there is a median
	sizes    []size        // of the measurement by number of credentials
	folder   string        // of the page and the plots
}

// A run shorter than trialBelow is a trial: it shows that everything works, but is too short to
// be quoted.
const (
	trialBelow  = 2 * time.Second
	trialFolder = "bin/bench"
	docsFolder  = "docs"
)

// round returns how long one subject runs before the next one's turn.
func (p plan) round() time.Duration { return p.duration / time.Duration(p.rounds) }

func planFor(d time.Duration) plan {
	if d < trialBelow {
		return plan{d, 5, []size{{100, 100}, {10_000, 10_000}}, trialFolder}
	}
	var sizes []size
	for n := 100; n <= 1_000_000; n *= 10 {
		sizes = append(sizes, size{n, n})
	}
	return plan{d, 11, append(sizes, size{1_000_000, 100_000}), docsFolder}
}

// connections returns the numbers of connections at which the subjects are compared.
func connections() []int { return []int{1, 8, 32, 128} }
