package store

import "github.com/sony/gobreaker/v2"

// Status is the state of an open store at one moment.
type Status struct {
	// Label names the store: "configStore", "secretStore" or "secretStores.<name>".
	Label string
	// Connected says that the store has been connected. It stays true when the store goes down
	// later.
	Connected bool
	// Breaker is the state of the store's circuit breaker.
	Breaker Breaker
}

// Breaker is the state of a circuit breaker. The set is closed.
type Breaker string

// The states of a circuit breaker.
const (
	NoBreaker       Breaker = ""          // the store has none: a file, or breakerFailures is 0
	BreakerClosed   Breaker = "closed"    // the store is called
	BreakerHalfOpen Breaker = "half-open" // the next call probes the store
	BreakerOpen     Breaker = "open"      // the store is not called
)

// Status returns the store's state. It does not call the store.
func (o *Opened[C]) Status() Status {
	return Status{Label: o.label, Connected: o.connector.connected(), Breaker: o.guard.state()}
}

// connected reports whether the store has been connected.
func (c *connector[C]) connected() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false
	}
}

// state returns the state of the breaker.
func (g *guard) state() Breaker {
	if g.breaker == nil {
		return NoBreaker
	}
	switch g.breaker.State() {
	case gobreaker.StateOpen:
		return BreakerOpen
	case gobreaker.StateHalfOpen:
		return BreakerHalfOpen
	default:
		return BreakerClosed
	}
}
