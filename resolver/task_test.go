package resolver_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/resolvertest"
)

// overloaded is the hook of a store in front of which too many calls wait.
func overloaded() resolvertest.Hook {
	return resolvertest.Fail(&resolver.StoreError{Kind: resolver.Unavailable, Err: resolver.ErrOverloaded})
}

func TestOverloadIsSaidToBeOurs(t *testing.T) {
	s := resolvertest.New(t)
	s.Configs.Put("g", `{"credentialSource":"agent","secret-path":"bundle","password":"pw"}`)
	s.Secrets.Before(resolvertest.Any, overloaded())
	r := resolver.New(s.Options())
	defer r.Close()
	_, err := r.Resolve(t.Context(), "g")
	require.ErrorIs(t, err, resolver.Unavailable)
	require.EqualError(t, err, `credential "g": the component is overloaded: too many calls to the secret store are waiting`)
}

func TestTheLastGoodAnswerIsGivenInAnOverload(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(time.Minute)
		c.Secrets.Before(resolvertest.Any, overloaded())
		require.Equal(c.t, "one, stale", c.ask("g"))
	})
}

func TestAShedTaskFailsNoOtherThatSharesASecret(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		for _, guid := range []string{"shed", "other"} {
			c.Configs.Put(guid, `{"credentialSource":"agent","secret-path":"shared","password":"pw"}`)
		}
		c.Secrets.Put("shared", map[string]string{"pw": "one"})
		gate := make(chan struct{})
		var first sync.Once
		c.Secrets.Before(resolvertest.Any, func(ctx context.Context) (err error) {
			first.Do(func() {
				<-gate
				resolver.TaskOf(ctx).MarkShed() // as in front of another store
				err = overloaded()(ctx)
			})
			return err
		})
		shed, other := make(chan string), make(chan string)
		go func() { shed <- c.ask("shed") }()
		synctest.Wait()
		go func() { other <- c.ask("other") }()
		synctest.Wait()
		close(gate)
		require.Equal(c.t, resolver.Unavailable.Error(), <-shed)
		require.Equal(c.t, "one", <-other)
	})
}

// seen notes the tasks of the calls to a store.
type seen struct {
	mu    sync.Mutex
	tasks []*resolver.Task
}

func (s *seen) hook(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks = append(s.tasks, resolver.TaskOf(ctx))
	return nil
}

func TestAllCallsOfAResolutionAreOneTask(t *testing.T) {
	testCached(t, nil, func(c *cached) {
		c.Configs.Put("g", `{"credentialSource":"agent","a":"one","b":"two","c":"three"}`)
		c.Secrets.Put("one", map[string]string{"x": "1"})
		var s seen
		c.Configs.Before(resolvertest.Any, s.hook)
		c.Secrets.Before(resolvertest.Any, s.hook)
		require.Equal(c.t, "", c.ask("g"))
		require.Len(c.t, s.tasks, 4)
		for _, task := range s.tasks {
			require.NotNil(c.t, task)
			assert.Same(c.t, s.tasks[0], task)
			assert.False(c.t, task.Background())
		}
	})
}

func TestARefreshIsABackgroundTaskUntilSomebodyWaits(t *testing.T) {
	testCached(t, func(o *resolver.CacheOptions) { o.StaleIfError = 0 }, func(c *cached) {
		c.bundle("g", "one")
		require.Equal(c.t, "one", c.ask("g"))
		c.pass(time.Minute * 95 / 100)
		var s seen
		gate := make(chan struct{})
		c.Secrets.Before(resolvertest.Any, func(ctx context.Context) error {
			_ = s.hook(ctx)
			<-gate
			return nil
		})
		require.Equal(c.t, "one", c.ask("g"))
		synctest.Wait()
		require.Len(c.t, s.tasks, 1)
		require.True(c.t, s.tasks[0].Background())

		c.pass(time.Minute * 5 / 100) // it is too old by now
		waited := make(chan string)
		go func() { waited <- c.ask("g") }()
		synctest.Wait()
		require.False(c.t, s.tasks[0].Background())
		close(gate)
		require.Equal(c.t, "one", <-waited)
	})
}
