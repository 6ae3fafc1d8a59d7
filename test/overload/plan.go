package main

import "time"

// The capacity of the store: it takes storeDelay to answer, and storeConcurrency allows this
// number of concurrent calls.
const (
	storeDelay = 200 * time.Millisecond
	slots      = 4
)

// A burst is a number of concurrent requests, with the default storeConcurrency.
const (
	burstSize  = 1000
	burstSlots = 64
	bursts     = 2 // one after another
)

// burstSecrets returns the numbers of secrets per credential in bursts.
func burstSecrets() []int { return []int{1, 3} }

// scenario is one load: requests at a constant rate for a duration.
type scenario struct {
	multiple int // of the store's capacity
	secrets  int // of each credential; each is a call to the store
}

// scenarios returns the loads to measure, in order.
func scenarios() []scenario { return []scenario{{1, 1}, {2, 1}, {5, 1}, {20, 1}, {5, 8}} }

// interval returns the time between two requests.
func (s scenario) interval() time.Duration {
	return storeDelay / slots * time.Duration(s.secrets) / time.Duration(s.multiple)
}

// requests returns the number of requests in a duration.
func (s scenario) requests(d time.Duration) int { return int(d / s.interval()) }

// settling is the start of a load, which does not count for the rate: the first answers take as
// long as the store does.
const settling = 2 * time.Second

// besideInterval is the time between two requests for each credential beside the load.
const besideInterval = 100 * time.Millisecond
