package main

import (
	"fmt"
	"time"
)

// plan is how many there are of what, and how long everything takes.
type plan struct {
	processes   int
	credentials int
	steady      time.Duration
}

// What takes less than trialBelow is a trial: it shows that everything works, and
// measures too shortly to be quoted.
const (
	trialBelow  = 30 * time.Second
	trialFolder = "bin/bench"
	docsFolder  = "docs"
)

// The parts of a run, in TTLs.
const (
	settleTTLs   = 5 // after the cold start
	steadyTTLs   = 6
	rotationTTLs = 1.5
	outageTTLs   = 2.5
	recoveryTTLs = 4
	restartTTLs  = 2 // after all processes have been restarted
)

// insisting is how long rejected credentials are reported on and on: the resolver's
// second for that is no part of the TTL.
const insisting = 5 * time.Second

// ttl is the cacheTTL of all processes.
func (p plan) ttl() time.Duration { return p.steady / steadyTTLs }

// ttls is a number of them.
func (p plan) ttls(n float64) time.Duration { return time.Duration(n * float64(p.ttl())) }

// step is how finely time is divided: a second of the full run.
func (p plan) step() time.Duration { return p.ttl() / 10 }

// askEvery is how long it takes on average until a process is asked for the same
// credential again.
func (p plan) askEvery() time.Duration { return p.ttl() / 10 }

// breakerInterval has the part of the TTL that it has by default.
func (p plan) breakerInterval() time.Duration { return p.ttl() / 12 }

// cycle is how long a credential is kept on average: it is renewed when it is first
// asked for after 75 to 90 hundredths of the TTL.
func (p plan) cycle() time.Duration { return p.ttls(0.825) + p.askEvery() }

// most bounds the whole run.
func (p plan) most() time.Duration { return 3*time.Minute + p.ttls(40) }

func (p plan) trial() bool { return p.steady < trialBelow }

// folder is that of the page and the plot.
func (p plan) folder() string {
	if p.trial() {
		return trialFolder
	}
	return docsFolder
}

// leastTime is the shortest steady state that shows anything.
const leastTime = 6 * time.Second

func (p plan) check() error {
	switch {
	case p.processes < 1:
		return fmt.Errorf("processes must be 1 or more")
	case p.credentials < leastCredentials:
		return fmt.Errorf("credentials must be %d or more", leastCredentials)
	case p.steady < leastTime:
		return fmt.Errorf("time must be %v or more", leastTime)
	}
	return nil
}
