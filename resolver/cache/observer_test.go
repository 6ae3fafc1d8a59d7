package cache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/resolvertest"
)

type refreshKey struct{}

// refreshes is an observer that marks the contexts of background refreshes.
type refreshes struct {
	began []string
	ended []string
}

var _ cache.Observer = (*refreshes)(nil)

func (r *refreshes) Refreshing(ctx context.Context, guid string) context.Context {
	r.began = append(r.began, guid)
	return context.WithValue(ctx, refreshKey{}, guid)
}

func (r *refreshes) Refreshed(ctx context.Context, guid string, _ time.Duration, _ error) {
	if ctx.Value(refreshKey{}) == guid {
		r.ended = append(r.ended, guid)
	}
}

func TestTheReadsOfARefreshHaveTheContextOfItsObserver(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		r := &refreshes{}
		opts := c.Options()
		opts.Cache, opts.Known = c.Opts, c.Known
		h := c.Cache.Over(resolver.New(opts), resolver.DefaultTimeout, r)
		defer h.Close()
		c.Bundle("g", "one")
		marks := make(chan any, 10)
		mark := func(ctx context.Context) error {
			marks <- ctx.Value(refreshKey{})
			return nil
		}
		c.Configs.Before("g", mark)
		c.Secrets.Before(resolvertest.Any, mark)
		for _, after := range []time.Duration{0, c.Opts.TTL - time.Second} {
			c.Pass(after)
			_, err := h.Resolve(c.T.Context(), "g", cache.Ask{})
			require.NoError(c.T, err)
			synctest.Wait()
		}
		require.Len(c.T, marks, 4)
		for _, want := range []any{nil, nil, "g", "g"} {
			assert.Equal(c.T, want, <-marks)
		}
		assert.Equal(c.T, []string{"g"}, r.began)
		assert.Equal(c.T, []string{"g"}, r.ended)
	})
}
