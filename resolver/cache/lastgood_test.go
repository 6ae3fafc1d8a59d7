package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// lastGoodStore holds the encoded credentials by GUID. It outlives the cache, as a file
// outlives the process.
type lastGoodStore struct {
	t    *testing.T
	kept map[string]keptText
}

type keptText struct {
	text   string
	readAt time.Time
	maxAge time.Duration
}

var _ cache.LastGoodStore = (*lastGoodStore)(nil)

func (s *lastGoodStore) Save(kept cache.LastGood) {
	text, err := kept.Encode()
	if !assert.NoError(s.t, err) {
		return
	}
	s.kept[kept.Credential.GUID] = keptText{string(text), kept.Credential.ReadAt, kept.MaxAge}
}

func (s *lastGoodStore) Delete(guid string) { delete(s.kept, guid) }

// testRestarted runs a test on a cache whose last good answers outlive the process.
func testRestarted(t *testing.T, change func(*cache.Options), test func(c *resolvertest.Cached, s *lastGoodStore)) {
	t.Helper()
	s := &lastGoodStore{t: t, kept: map[string]keptText{}}
	resolvertest.TestCached(t, func(o *cache.Options) {
		o.Store = s
		if change != nil {
			change(o)
		}
	}, func(c *resolvertest.Cached) { test(c, s) })
}

// restartWith closes the cache and opens a new one with the stored answers, as the next process
// would.
func restartWith(c *resolvertest.Cached, s *lastGoodStore) {
	c.T.Helper()
	c.Close()
	c.Cache = cache.New(c.Opts)
	var all []cache.LastGood
	for _, guid := range slices.Sorted(maps.Keys(s.kept)) {
		kept := s.kept[guid]
		one, err := cache.DecodeLastGood([]byte(kept.text), kept.readAt)
		require.NoError(c.T, err)
		all = append(all, one)
	}
	c.Cache.Restore(all)
	c.Reopen()
}

func TestLastGoodEncodingIsLossless(t *testing.T) {
	const fields = `{"z":1.50,"a":{"b":[1e21,null,"ü"],"a":12345678901234567890},"s":"\"","n":null,"t":true}`
	readAt := time.Now()
	newest := readAt.Add(5 * time.Second)
	c := &credential.Credential{GUID: "g", Fields: resolvertest.Parse(t, fields), ReadAt: readAt, NewestAt: newest}
	text, err := cache.LastGood{Credential: c, ForAsk: true}.Encode()
	require.NoError(t, err)
	back, err := cache.DecodeLastGood(text, readAt)
	require.NoError(t, err)
	assert.Equal(t, fields, resolvertest.JSON(t, back.Credential.Fields))
	assert.Equal(t, "g", back.Credential.GUID)
	assert.Equal(t, readAt, back.Credential.ReadAt)
	assert.Equal(t, newest, back.Credential.NewestAt)
	assert.True(t, back.ForAsk)

	for _, wrong := range []string{"", "{}", string(text[:len(text)-1]), `{"guid":"g"}`, "canary-7f21"} {
		_, err := cache.DecodeLastGood([]byte(wrong), readAt)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "canary")
	}
	c.Fields = credential.NewObject(credential.Field{Name: "f", Value: credential.StringValue("\xff")})
	_, err = cache.LastGood{Credential: c}.Encode()
	require.Error(t, err, "a value that is not UTF-8 has no encoding")
}

func TestLastGoodAnswerOutlivesTheProcess(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		require.Equal(c.T, time.Hour, s.kept["g"].maxAge)
		before := s.kept["g"].readAt
		c.Bundle("g", "two")
		c.Pass(time.Minute)
		require.Equal(c.T, "two", c.Ask("g"))
		require.Equal(c.T, time.Minute, s.kept["g"].readAt.Sub(before))

		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		require.Equal(c.T, "two, stale", c.Ask("g"))
		require.Contains(c.T, s.kept, "g", "an outage must not delete the last good answer")
	})
	testRestarted(t, func(o *cache.Options) { o.StaleIfError = 0 }, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		require.Empty(c.T, s.kept)
		require.Equal(c.T, "one", c.Password("g", cache.Ask{LastGood: true}))
		require.Equal(c.T, cache.LastGoodAge, s.kept["g"].maxAge)
		restartWith(c, s)
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(time.Minute)
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
		require.Equal(c.T, "one, stale", c.Password("g", cache.Ask{LastGood: true}), "the LastGood mark must outlive the process")
	})
}

func TestPermanentFailureDoesNotOutliveTheProcess(t *testing.T) {
	for name, fail := range map[string]func(c *resolvertest.Cached){
		"a refusal":        func(c *resolvertest.Cached) { resolvertest.StoresFail(c, credential.Denied) },
		"a fault":          func(c *resolvertest.Cached) { resolvertest.StoresFail(c, credential.Internal) },
		"a bundle missing": func(c *resolvertest.Cached) { c.Secrets.Delete("of-g") },
		"a config missing": func(c *resolvertest.Cached) { c.Configs.Delete("g") },
		"a broken config":  func(c *resolvertest.Cached) { c.Configs.Put("g", "[]") },
	} {
		t.Run(name, func(t *testing.T) {
			testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
				c.Bundle("g", "one")
				require.Equal(c.T, "one", c.Ask("g"))
				restartWith(c, s)
				fail(c)
				c.Pass(time.Minute)
				_ = c.Ask("g")
				require.Empty(c.T, s.kept)
			})
		})
	}
}

func TestRestoredCredentialIsAHitWithinTheTTL(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(20 * time.Second)
		before := c.Reads()
		restartWith(c, s)
		answer, err := c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.Equal(c.T, cache.Hit, answer.State)
		require.NoError(c.T, answer.Stale)
		require.Equal(c.T, before, c.Reads())
	})
}

func TestRestoredCredentialWaitsOneSecondForStores(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(10 * time.Minute)
		restartWith(c, s)
		gate := c.Secrets.Hold()
		began := time.Now()
		answer, err := c.Resolve(c.T.Context(), "g", cache.Ask{})
		require.NoError(c.T, err)
		require.Equal(c.T, time.Second, time.Since(began))
		require.True(c.T, answer.BecameStale)
		require.ErrorIs(c.T, answer.Stale, credential.Timeout)

		began = time.Now()
		require.Equal(c.T, "one, stale", c.Ask("g"))
		require.Zero(c.T, time.Since(began), "a store that is known to be slow must not delay a request")
		c.Bundle("g", "two")
		close(gate)
		synctest.Wait()
		require.Equal(c.T, "two", c.Ask("g"), "the read must have continued")

		c.Pass(10 * time.Minute)
		gate = c.Secrets.Hold()
		began = time.Now()
		require.Equal(c.T, "two, stale", c.Ask("g"))
		require.Greater(c.T, time.Since(began), time.Second, "the answer is no longer that of the earlier process")
		close(gate)
	})
}

func TestFastStoreWinsOverRestoredCredential(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(10 * time.Minute)
		restartWith(c, s)
		c.Bundle("g", "two")
		require.Equal(c.T, "two", c.Ask("g"))
		restartWith(c, s)
		c.Pass(10 * time.Minute)
		resolvertest.StoresFail(c, credential.Denied)
		require.Equal(c.T, credential.Denied.Error(), c.Ask("g"))
	})
}

func TestNoStaleAnswerWantedWaitsForTheStores(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(10 * time.Minute)
		restartWith(c, s)
		c.Bundle("g", "two")
		c.Secrets.Before(resolvertest.Any, func(context.Context) error {
			<-time.After(5 * time.Second)
			return nil
		})
		require.Equal(c.T, "two", c.Password("g", cache.Ask{NotStale: true}))
	})
}

func TestRestoredCredentialIsNotServedForLonger(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(time.Hour)
		resolvertest.StoresFail(c, credential.Unavailable)
		restartWith(c, s)
		require.Equal(c.T, "one, stale", c.Ask("g"))
		c.Pass(1)
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
		restartWith(c, s)
		require.Empty(c.T, s.kept)
		require.Equal(c.T, credential.Unavailable.Error(), c.Ask("g"))
	})
}

// The clock of the machine may have been put back.
func TestCredentialOfTheFutureIsNotRestored(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		kept := s.kept["g"]
		kept.readAt = kept.readAt.Add(time.Hour)
		s.kept["g"] = kept
		c.Bundle("g", "two")
		restartWith(c, s)
		require.Empty(c.T, s.kept)
		require.Equal(c.T, "two", c.Ask("g"))
	})
}

func TestRestoredCredentialLeavesTheMemoryInTime(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(50 * time.Minute)
		restartWith(c, s)
		require.Equal(c.T, 1, c.Cache.Len())
		c.Pass(11 * time.Minute)
		require.Zero(c.T, c.Cache.Len())
	})
}

// As after an edit of staleIfError.
func TestLastGoodAnswerThatIsNeverServedIsDeleted(t *testing.T) {
	testRestarted(t, func(o *cache.Options) { o.StaleIfError = 0 }, func(c *resolvertest.Cached, s *lastGoodStore) {
		s.kept["g"] = keptText{}
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		require.Empty(c.T, s.kept)
	})
}

// restoredFrom fills the cache with credentials that an earlier process read one TTL ago.
func restoredFrom(c *resolvertest.Cached, s *lastGoodStore, n int) {
	for i := range n {
		guid := fmt.Sprint("g", i)
		c.Bundle(guid, "one")
		require.Equal(c.T, "one", c.Ask(guid))
		c.Bundle(guid, "two")
	}
	c.Pass(2 * time.Minute)
	restartWith(c, s)
}

func TestRestoredCredentialsAreRefreshedOverATTL(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		const n = 60
		restoredFrom(c, s, n)
		before, most := len(c.Configs.Asked()), 0
		order := c.Configs.Asked
		for range 10 {
			since := len(order())
			c.Pass(6 * time.Second)
			most = max(most, len(order())-since)
		}
		refreshed := len(order()) - before
		require.Greater(c.T, refreshed, n*3/4)
		require.LessOrEqual(c.T, refreshed, n)
		require.Less(c.T, most, n/4, "the reads must not come in a burst")
		c.Pass(time.Minute)
		require.Len(c.T, order(), before+n, "each credential is read once")
		require.False(c.T, slices.IsSorted(order()[before:]), "in random order")
		require.Equal(c.T, "two", c.Ask("g0"))
	})
}

func TestRestoredCredentialsAreSpreadOverTenSecondsAtLeast(t *testing.T) {
	testRestarted(t, func(o *cache.Options) { o.TTL = time.Second }, func(c *resolvertest.Cached, s *lastGoodStore) {
		const n = 20
		restoredFrom(c, s, n)
		before := len(c.Configs.Asked())
		c.Pass(2 * time.Second)
		require.Less(c.T, len(c.Configs.Asked())-before, n/2)
		c.Pass(14 * time.Second)
		require.Len(c.T, c.Configs.Asked(), before+n)
	})
}

func TestOnlyOneHandlerRefreshesTheRestored(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		const n = 60
		restoredFrom(c, s, n)
		other := c.Over(c.Stores)
		defer other.Close()
		before := len(c.Configs.Asked())
		c.Pass(30 * time.Second)
		require.Less(c.T, len(c.Configs.Asked())-before, n*2/3)
	})
}

func TestRestoredCredentialsAreRefreshedWhenAStoreIsBack(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		restoredFrom(c, s, 5)
		resolvertest.StoresFail(c, credential.Unavailable)
		c.Pass(5 * time.Minute)
		c.Secrets.Before(resolvertest.Any, nil)
		c.Pass(3 * time.Minute)
		for _, kept := range s.kept {
			require.Less(c.T, time.Since(kept.readAt), 3*time.Minute)
		}
	})
}

func TestNextHandlerContinuesTheRestoredRefresh(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		restoredFrom(c, s, 5)
		other := c.Over(c.Stores)
		c.Close()
		c.Pass(3 * time.Minute)
		for _, kept := range s.kept {
			require.Less(c.T, time.Since(kept.readAt), 3*time.Minute)
		}
		other.Close()
		c.Reopen()
	})
}

func TestAStaleAnswerAfterARestartSaysWhy(t *testing.T) {
	testRestarted(t, nil, func(c *resolvertest.Cached, s *lastGoodStore) {
		restoredFrom(c, s, 1)
		gate := c.Secrets.Hold()
		answer, err := c.Resolve(c.T.Context(), "g0", cache.Ask{})
		require.NoError(c.T, err)
		var why *credential.Error
		require.True(c.T, errors.As(answer.Stale, &why))
		require.Equal(c.T, `credential "g0": no store has answered yet since the component was restarted`, why.Error())
		close(gate)
	})
}

// FuzzLastGood decodes arbitrary text as a stored credential.
func FuzzLastGood(f *testing.F) {
	f.Add([]byte(`{"guid":"g","newestAfter":"5","forAsk":"true","fields":{"a":1.50,"a":{"b":[null]}}}`))
	f.Add([]byte(`{"guid":"g","newestAfter":"-1","forAsk":"","fields":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		readAt := time.Now()
		l, err := cache.DecodeLastGood(text, readAt)
		if err != nil {
			return
		}
		require.True(t, credential.ValidGUID(l.Credential.GUID))
		again, err := l.Encode()
		require.NoError(t, err)
		back, err := cache.DecodeLastGood(again, readAt)
		require.NoError(t, err)
		third, err := back.Encode()
		require.NoError(t, err)
		require.Equal(t, string(again), string(third))
	})
}
