package cache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// A store that never connects is Unavailable when the time is up (section 9), with a
// cache as without one: not a store that did not answer in time.
func TestAStoreThatNeverConnectsIsUnavailable(t *testing.T) {
	for name, ttl := range map[string]time.Duration{"with a cache": time.Minute, "without one": 0} {
		for range 20 { // two clocks that strike at once are in no order
			resolvertest.TestCached(t, func(o *cache.Options) { o.TTL = ttl }, func(c *resolvertest.Cached) {
				c.Bundle("g", "pw")
				c.Secrets.Before("of-g", func(ctx context.Context) error {
					<-ctx.Done()
					return &credential.StoreError{Kind: credential.Unavailable, Err: errors.New("not connected yet")}
				})
				require.Equal(t, credential.Unavailable.Error(), c.Password("g", cache.Ask{}), name)
			})
		}
	}
}
