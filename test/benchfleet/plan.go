package main

import (
	"fmt"
	"time"
)

// plan is the size of a run and its duration.
type plan struct {
	processes   int
	credentials int
	steady      time.Duration
}

// A run shorter than trialBelow is a trial: it shows that everything works, but is too short to
// be quoted.
const (
	trialBelow  = 30 * time.Second
	trialFolder = "bin/bench"
	docsFolder  = "docs"
)

// The lengths of the phases, in TTLs.
const (
	settleTTLs   = 5 // after the cold start
	steadyTTLs   = 6
	rotationTTLs = 1.5
	outageTTLs   = 2.5
	recoveryTTLs = 4
	restartTTLs  = 2 // after all processes have been restarted
)

// insisting is how long rejected credentials are reported repeatedly. It is not a part of the
// TTL, because the resolver's rate limit of one second is not either.
const insisting = 5 * time.Second

// ttl is the cacheTTL of all processes.
func (p plan) ttl() time.Duration { return p.steady / steadyTTLs }

// ttls returns n TTLs.
func (p plan) ttls(n float64) time.Duration { return time.Duration(n * float64(p.ttl())) }

// step is the resolution of the results: one second in a full run.
func (p plan) step() time.Duration { return p.ttl() / 10 }

// askEvery is the average time between two requests of a process for the same credential.
func (p plan) askEvery() time.Duration { return p.ttl() / 10 }

// breakerInterval has the same ratio to the TTL as the defaults.
func (p plan) breakerInterval() time.Duration { return p.ttl() / 12 }

// cycle is how long a credential stays cached on average: the first request after 75 to 90% of
// the TTL refreshes it.
func (p plan) cycle() time.Duration { return p.ttls(0.825) + p.askEvery() }

// most limits the duration of the whole run.
func (p plan) most() time.Duration { return 3*time.Minute + p.ttls(40) }

func (p plan) trial() bool { return p.steady < trialBelow }

// folder returns the folder of the page and the plot.
func (p plan) folder() string {
	if p.trial() {
		return trialFolder
	}
	return docsFolder
}

// leastTime is the shortest useful steady state.
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
