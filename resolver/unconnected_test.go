package resolver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
)

// A store that never connects is Unavailable when the time is up (section 9), with a
// cache as without one: not a store that did not answer in time.
func TestAStoreThatNeverConnectsIsUnavailable(t *testing.T) {
	for name, ttl := range map[string]time.Duration{"with a cache": time.Minute, "without one": 0} {
		for range 20 { // two clocks that strike at once are in no order
			testCached(t, func(o *resolver.CacheOptions) { o.TTL = ttl }, func(c *cached) {
				c.bundle("g", "pw")
				c.Secrets.Before("of-g", func(ctx context.Context) error {
					<-ctx.Done()
					return &resolver.StoreError{Kind: resolver.Unavailable, Err: errors.New("not connected yet")}
				})
				require.Equal(t, resolver.Unavailable.Error(), c.password("g", resolver.Ask{}), name)
			})
		}
	}
}
