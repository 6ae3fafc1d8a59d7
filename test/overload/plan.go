package main

import "time"

// What the store can do: it takes storeDelay for an answer, and storeConcurrency lets
// so many calls reach it at a time.
const (
	storeDelay = 200 * time.Millisecond
	slots      = 4
)

// A burst is so many requests at once, with storeConcurrency left at its default.
const (
	burstSize  = 1000
	burstSlots = 64
	bursts     = 2 // one after the other
)

// burstSecrets are the numbers of secrets of the credentials that bursts ask for.
func burstSecrets() []int { return []int{1, 3} }

// scenario is one load: requests at a constant rate, for a time.
type scenario struct {
	multiple int // of what the store can answer
	secrets  int // of each credential; each is a call to the store
}

// scenarios are the loads that are measured, in turn.
func scenarios() []scenario { return []scenario{{1, 1}, {2, 1}, {5, 1}, {20, 1}, {5, 8}} }

// interval is the time from one request to the next.
func (s scenario) interval() time.Duration {
	return storeDelay / slots * time.Duration(s.secrets) / time.Duration(s.multiple)
}

// requests is how many there are in a time.
func (s scenario) requests(d time.Duration) int { return int(d / s.interval()) }

// settling is the start of a load that the rate of right answers is not taken from:
// the first answers take as long as the store does.
const settling = 2 * time.Second

// besideInterval is the time from one request to the next for each credential that is
// asked for beside the load.
const besideInterval = 100 * time.Millisecond
