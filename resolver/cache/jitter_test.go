package cache_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/resolvertest"
)

// refreshAges asks for n credentials at each step, for some TTLs, and returns how old each
// credential was when it was refreshed.
func refreshAges(c *resolvertest.Cached, n int, step time.Duration) []time.Duration {
	readAt := make([]time.Time, n)
	var ages []time.Duration
	for i := range n {
		c.Bundle(fmt.Sprint("g", i), "one")
	}
	for range 4 * int(c.Opts.TTL/step) {
		for i := range n {
			answer, err := c.Resolve(c.T.Context(), fmt.Sprint("g", i), cache.Ask{})
			require.NoError(c.T, err)
			if before := readAt[i]; !before.IsZero() && answer.ReadAt.After(before) {
				ages = append(ages, answer.ReadAt.Sub(before))
			}
			readAt[i] = answer.ReadAt
		}
		<-time.After(step)
		synctest.Wait()
	}
	return ages
}

// Section 2, cacheTTL: a refresh time is drawn from 75 to 90% of it.
func TestRefreshTimeIs75To90PercentOfTheTTL(t *testing.T) {
	const step = 500 * time.Millisecond
	resolvertest.TestCached(t, func(o *cache.Options) { o.TTL = 100 * time.Second }, func(c *resolvertest.Cached) {
		const n = 100
		ages := refreshAges(c, n, step)
		require.GreaterOrEqual(c.T, len(ages), 4*n)
		require.GreaterOrEqual(c.T, slices.Min(ages), 75*time.Second)
		require.LessOrEqual(c.T, slices.Max(ages), 90*time.Second+step)
		require.Less(c.T, slices.Min(ages), 79*time.Second, "the whole range is in use")
		require.Greater(c.T, slices.Max(ages), 86*time.Second, "the whole range is in use")
	})
}
