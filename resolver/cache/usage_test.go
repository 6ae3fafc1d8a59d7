package cache_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/resolvertest"
)

func TestUsageIsTheSizeOfTheCredentials(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		entries, bytes := c.Cache.Usage()
		require.Zero(c.T, entries)
		require.Zero(c.T, bytes)
		c.Bundle("small", "one")
		c.Bundle("large", strings.Repeat("x", 10_000))
		require.Equal(c.T, "one", c.Ask("small"))
		_, small := c.Cache.Usage()
		require.Less(c.T, small, int64(5_000))
		require.NotEmpty(c.T, c.Ask("large"))
		entries, both := c.Cache.Usage()
		require.Equal(c.T, 2, entries)
		require.Greater(c.T, both-small, int64(20_000), "with its encodings")
	})
}
