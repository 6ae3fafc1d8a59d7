package cache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
	"credential-resolver/resolver/task"
)

// overloaded is the hook of a store with a full queue.
func overloaded() resolvertest.Hook {
	return resolvertest.Fail(&credential.StoreError{Kind: credential.Unavailable, Err: credential.ErrOverloaded})
}

func TestOverloadIsReportedAsOurs(t *testing.T) {
	s := resolvertest.New(t)
	s.Configs.Put("g", `{"credentialSource":"agent","secret-path":"bundle","password":"pw"}`)
	s.Secrets.Before(resolvertest.Any, overloaded())
	r := resolver.New(s.Options())
	defer r.Close()
	_, err := r.Resolve(t.Context(), "g")
	require.ErrorIs(t, err, credential.Unavailable)
	require.EqualError(t, err, `credential "g": the component is overloaded: too many calls to the secret store are waiting`)
}

func TestStaleAnswerDuringOverload(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(time.Minute)
		c.Secrets.Before(resolvertest.Any, overloaded())
		require.Equal(c.T, "one, stale", c.Ask("g"))
	})
}

func TestAShedTaskFailsNoOtherThatSharesASecret(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		for _, guid := range []string{"shed", "other"} {
			c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`)
		}
		c.Secrets.Put("shared", map[string]string{"pw": "one"})
		gate := make(chan struct{})
		var first sync.Once
		c.Secrets.Before(resolvertest.Any, func(ctx context.Context) (err error) {
			first.Do(func() {
				<-gate
				task.Of(ctx).MarkShed() // as if in front of another store
				err = overloaded()(ctx)
			})
			return err
		})
		shed, other := make(chan string), make(chan string)
		go func() { shed <- c.Ask("shed") }()
		synctest.Wait()
		go func() { other <- c.Ask("other") }()
		synctest.Wait()
		close(gate)
		require.Equal(c.T, credential.Unavailable.Error(), <-shed)
		require.Equal(c.T, "one", <-other)
	})
}

// seen records the tasks of the calls to a store.
type seen struct {
	mu    sync.Mutex
	tasks []*task.Task
}

func (s *seen) hook(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = append(s.tasks, task.Of(ctx))
	return nil
}

func TestCallsOfAResolutionShareOneTask(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","a":"one","b":"two","c":"three"}`)
		c.Secrets.Put("one", map[string]string{"x": "1"})
		var s seen
		c.Configs.Before(resolvertest.Any, s.hook)
		c.Secrets.Before(resolvertest.Any, s.hook)
		require.Equal(c.T, "", c.Ask("g"))
		require.Len(c.T, s.tasks, 4)
		for _, task := range s.tasks {
			require.NotNil(c.T, task)
			assert.Same(c.T, s.tasks[0], task)
			assert.False(c.T, task.Background())
		}
	})
}

func TestBackgroundRefreshTurnsForegroundWhenAwaited(t *testing.T) {
	resolvertest.TestCached(t, func(o *cache.Options) { o.StaleIfError = 0 }, func(c *resolvertest.Cached) {
		c.Bundle("g", "one")
		require.Equal(c.T, "one", c.Ask("g"))
		c.Pass(time.Minute * 95 / 100)
		var s seen
		gate := make(chan struct{})
		c.Secrets.Before(resolvertest.Any, func(ctx context.Context) error {
			_ = s.hook(ctx)
			<-gate
			return nil
		})
		require.Equal(c.T, "one", c.Ask("g"))
		synctest.Wait()
		require.Len(c.T, s.tasks, 1)
		require.True(c.T, s.tasks[0].Background())

		c.Pass(time.Minute * 5 / 100) // now it is too old to be served
		waited := make(chan string)
		go func() { waited <- c.Ask("g") }()
		synctest.Wait()
		require.False(c.T, s.tasks[0].Background())
		close(gate)
		require.Equal(c.T, "one", <-waited)
	})
}
