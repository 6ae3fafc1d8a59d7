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

// When the request's time is up, a store that has never connected is Unavailable, not Timeout
// (section 9). That holds with and without a cache.
func TestAStoreThatNeverConnectsIsUnavailable(t *testing.T) {
	for name, ttl := range map[string]time.Duration{"with a cache": time.Minute, "without a cache": 0} {
		for range 20 { // repeat: the order of two timers that fire at the same time is random
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
