package cache

// State says what the cache had for a request. The set is closed. The zero value means that
// the cache was not asked, because the request was refused before.
type State uint8

// The states.
const (
	// Miss is a request whose credential had to be read from the stores.
	Miss State = iota + 1
	// Hit is a request that was answered with a credential younger than the TTL.
	Hit
	// Stale is a request that was answered with an older credential, because a store was down
	// or slow, or because the credential changed during each read (stale-while-error).
	Stale
	// Negative is a request that was answered with a cached failure (negative cache).
	Negative
)

// String returns the state in one word, as metrics and log lines have it.
func (s State) String() string {
	switch s {
	case Miss:
		return "miss"
	case Hit:
		return "hit"
	case Stale:
		return "stale"
	case Negative:
		return "negative"
	default:
		return "none"
	}
}
