package main

import "time"

// plan is how long a run measures, how far it goes, and where its results go.
type plan struct {
	duration time.Duration // of each subject in each place, all rounds together
	rounds   int           // how often subjects take turns; odd, so that one is in the middle
	sizes    []size        // those that show growth
	folder   string        // of the page and the plots
}

// What takes less than trialBelow is a trial: it shows that everything works, and
// measures too shortly to be quoted.
const (
	trialBelow  = 2 * time.Second
	trialFolder = "bin/bench"
	docsFolder  = "docs"
)

// round is how long one subject runs before it is another's turn.
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

// connections are the numbers of connections at which the subjects are compared.
func connections() []int { return []int{1, 8, 32, 128} }
