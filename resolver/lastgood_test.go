package resolver_test

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

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// lastGoodStore is what outlives a process: the texts of credentials, by GUID.
type lastGoodStore struct {
	t    *testing.T
	kept map[string]keptText
}

type keptText struct {
	text   string
	readAt time.Time
	maxAge time.Duration
}

var _ resolver.LastGoodStore = (*lastGoodStore)(nil)

func (s *lastGoodStore) Save(kept resolver.LastGood) {
	text, err := kept.Encode()
	if !assert.NoError(s.t, err) {
		return
	}
	s.kept[kept.Credential.GUID] = keptText{string(text), kept.Credential.ReadAt, kept.MaxAge}
}

func (s *lastGoodStore) Delete(guid string) { delete(s.kept, guid) }

// testRestarted runs a test on a cache whose last good answers outlive the process.
func testRestarted(t *testing.T, change func(*resolver.CacheOptions), test func(c *cached, s *lastGoodStore)) {
	t.Helper()
	s := &lastGoodStore{t: t, kept: map[string]keptText{}}
	testCached(t, func(o *resolver.CacheOptions) {
		o.Store = s
		if change != nil {
			change(o)
		}
	}, func(c *cached) { test(c, s) })
}

// restart is another process after this one.
func (c *cached) restart(s *lastGoodStore) {
	c.t.Helper()
	c.Close()
	c.cache = resolver.NewCache(c.opts)
	var all []resolver.LastGood
	for _, guid := range slices.Sorted(maps.Keys(s.kept)) {
		kept := s.kept[guid]
		one, err := resolver.DecodeLastGood([]byte(kept.text), kept.readAt)
		require.NoError(c.t, err)
		all = append(all, one)
	}
	c.cache.Restore(all)
	c.reopen()
}

func TestALastGoodCredentialIsEncodedAsItIs(t *testing.T) {
	const fields = `{"z":1.50,"a":{"b":[1e21,null,"ü"],"a":12345678901234567890},"s":"\"","n":null,"t":true}`
	readAt := time.Now()
	c := &resolver.Credential{GUID: "g", Fields: resolvertest.Parse(t, fields), ReadAt: readAt}
	text, err := resolver.LastGood{Credential: c, ForAsk: true}.Encode()
	require.NoError(t, err)
	back, err := resolver.DecodeLastGood(text, readAt)
	require.NoError(t, err)
	assert.Equal(t, fields, resolvertest.JSON(t, back.Credential.Fields))
	assert.Equal(t, "g", back.Credential.GUID)
	assert.Equal(t, readAt, back.Credential.ReadAt)
	assert.True(t, back.ForAsk)

	for _, wrong := range []string{"", "{}", string(text[:len(text)-1]), `{"guid":"g"}`, "canary-7f21"} {
		_, err := resolver.DecodeLastGood([]byte(wrong), readAt)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "canary")
	}
	c.Fields = resolver.NewObject(resolver.Field{Name: "f", Value: resolver.StringValue("\xff")})
	_, err = resolver.LastGood{Credential: c}.Encode()
	require.Error(t, err, "it could not be answered either")
}

func TestWhatMayBeGivenStaleOutlivesTheProcess(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		require.Equal(c.t, time.Hour, s.kept["g"].maxAge)
		before := s.kept["g"].readAt
		c.bundle("g", "two")
		c.pass(time.Minute)
		require.Equal(c.t, "two", c.ask("g"))
		require.Equal(c.t, time.Minute, s.kept["g"].readAt.Sub(before))

		c.down(resolver.Unavailable)
		c.pass(time.Minute)
		require.Equal(c.t, "two, stale", c.ask("g"))
		require.Contains(c.t, s.kept, "g", "a store that is down takes nothing away")
	})
	testRestarted(t, func(o *resolver.CacheOptions) { o.StaleIfError = 0 }, func(c *cached, s *lastGoodStore) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		require.Empty(c.t, s.kept)
		require.Equal(c.t, "one", c.password("g", resolver.Ask{LastGood: true}))
		require.Equal(c.t, resolver.LastGoodAge, s.kept["g"].maxAge)
		c.restart(s)
		c.down(resolver.Unavailable)
		c.pass(time.Minute)
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
		require.Equal(c.t, "one, stale", c.password("g", resolver.Ask{LastGood: true}), "the mark outlives the process too")
	})
}

func TestAPermanentFailureDoesNotOutliveTheProcess(t *testing.T) {
	for name, fail := range map[string]func(c *cached){
		"a refusal":        func(c *cached) { c.down(resolver.Denied) },
		"a fault":          func(c *cached) { c.down(resolver.Internal) },
		"a bundle missing": func(c *cached) { c.Secrets.Delete("of-g") },
		"a config missing": func(c *cached) { c.Configs.Delete("g") },
		"a config wrong":   func(c *cached) { c.Configs.Put("g", "[]") },
	} {
		t.Run(name, func(t *testing.T) {
			testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
				c.bundle("g", "one")
				require.Equal(c.t, "one", c.ask("g"))
				c.restart(s)
				fail(c)
				c.pass(time.Minute)
				_ = c.ask("g")
				require.Empty(c.t, s.kept)
			})
		})
	}
}

func TestARestoredCredentialIsAHitWithinTheTTL(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(20 * time.Second)
		before := c.reads()
		c.restart(s)
		answer, err := c.Resolve(c.t.Context(), "g", resolver.Ask{})
		require.NoError(c.t, err)
		require.True(c.t, answer.FromCache)
		require.NoError(c.t, answer.Stale)
		require.Equal(c.t, before, c.reads())
	})
}

func TestARestoredCredentialWaitsASecondForTheStores(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(10 * time.Minute)
		c.restart(s)
		gate := c.Secrets.Hold()
		began := time.Now()
		answer, err := c.Resolve(c.t.Context(), "g", resolver.Ask{})
		require.NoError(c.t, err)
		require.Equal(c.t, time.Second, time.Since(began))
		require.True(c.t, answer.BecameStale)
		require.ErrorIs(c.t, answer.Stale, resolver.Timeout)

		began = time.Now()
		require.Equal(c.t, "one, stale", c.ask("g"))
		require.Zero(c.t, time.Since(began), "nobody waits for a store that is known to be slow")
		c.bundle("g", "two")
		close(gate)
		synctest.Wait()
		require.Equal(c.t, "two", c.ask("g"), "the reading went on")

		c.pass(10 * time.Minute)
		gate = c.Secrets.Hold()
		began = time.Now()
		require.Equal(c.t, "two, stale", c.ask("g"))
		require.Greater(c.t, time.Since(began), time.Second, "it is no more that of an earlier process")
		close(gate)
	})
}

func TestAFastStoreAnswersForARestoredCredential(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(10 * time.Minute)
		c.restart(s)
		c.bundle("g", "two")
		require.Equal(c.t, "two", c.ask("g"))
		c.restart(s)
		c.pass(10 * time.Minute)
		c.down(resolver.Denied)
		require.Equal(c.t, resolver.Denied.Error(), c.ask("g"))
	})
}

func TestWhoWantsNoStaleAnswerWaitsForTheStores(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(10 * time.Minute)
		c.restart(s)
		c.bundle("g", "two")
		c.Secrets.Before(resolvertest.Any, func(context.Context) error {
			<-time.After(5 * time.Second)
			return nil
		})
		require.Equal(c.t, "two", c.password("g", resolver.Ask{NotStale: true}))
	})
}

func TestARestoredCredentialIsNotGivenForLonger(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(time.Hour)
		c.down(resolver.Unavailable)
		c.restart(s)
		require.Equal(c.t, "one, stale", c.ask("g"))
		c.pass(1)
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
		c.restart(s)
		require.Empty(c.t, s.kept)
		require.Equal(c.t, resolver.Unavailable.Error(), c.ask("g"))
	})
}

// restored fills the cache with credentials of an earlier process, a TTL ago.
func (c *cached) restored(s *lastGoodStore, n int) {
	for i := range n {
		guid := fmt.Sprint("g", i)
		c.bundle(guid, "one")
		require.Equal(c.t, "one", c.ask(guid))
		c.bundle(guid, "two")
	}
	c.pass(2 * time.Minute)
	c.restart(s)
}

func TestRestoredCredentialsAreRefreshedOverATTL(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		const n = 60
		c.restored(s, n)
		before, most := len(c.Configs.Asked()), 0
		order := c.Configs.Asked
		for range 10 {
			since := len(order())
			c.pass(6 * time.Second)
			most = max(most, len(order())-since)
		}
		refreshed := len(order()) - before
		require.Greater(c.t, refreshed, n*3/4)
		require.LessOrEqual(c.t, refreshed, n)
		require.Less(c.t, most, n/4, "none comes in a burst")
		c.pass(time.Minute)
		require.Len(c.t, order(), before+n, "each is read once")
		require.False(c.t, slices.IsSorted(order()[before:]), "in random order")
		require.Equal(c.t, "two", c.ask("g0"))
	})
}

func TestRestoredCredentialsAreRefreshedWhenAStoreIsBack(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.restored(s, 5)
		c.down(resolver.Unavailable)
		c.pass(5 * time.Minute)
		c.Secrets.Before(resolvertest.Any, nil)
		c.pass(3 * time.Minute)
		for _, kept := range s.kept {
			require.Less(c.t, time.Since(kept.readAt), 3*time.Minute)
		}
	})
}

func TestRefreshingIsHandedOnToTheNextResolver(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.restored(s, 5)
		other := c.over(c.Stores)
		c.Close()
		c.pass(3 * time.Minute)
		for _, kept := range s.kept {
			require.Less(c.t, time.Since(kept.readAt), 3*time.Minute)
		}
		other.Close()
		c.reopen()
	})
}

func TestAStaleAnswerAfterARestartSaysWhy(t *testing.T) {
	testRestarted(t, nil, func(c *cached, s *lastGoodStore) {
		c.restored(s, 1)
		gate := c.Secrets.Hold()
		answer, err := c.Resolve(c.t.Context(), "g0", resolver.Ask{})
		require.NoError(c.t, err)
		var why *resolver.Error
		require.True(c.t, errors.As(answer.Stale, &why))
		require.Equal(c.t, `credential "g0": no store has answered yet since the component was restarted`, why.Error())
		close(gate)
	})
}

// FuzzLastGood has any text in the place of a credential that outlived a process.
func FuzzLastGood(f *testing.F) {
	f.Add([]byte(`{"guid":"g","newestAfter":"5","forAsk":"true","fields":{"a":1.50,"a":{"b":[null]}}}`))
	f.Add([]byte(`{"guid":"g","newestAfter":"-1","forAsk":"","fields":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		readAt := time.Now()
		l, err := resolver.DecodeLastGood(text, readAt)
		if err != nil {
			return
		}
		require.True(t, resolver.ValidGUID(l.Credential.GUID))
		again, err := l.Encode()
		require.NoError(t, err)
		back, err := resolver.DecodeLastGood(again, readAt)
		require.NoError(t, err)
		third, err := back.Encode()
		require.NoError(t, err)
		require.Equal(t, string(again), string(third))
	})
}
