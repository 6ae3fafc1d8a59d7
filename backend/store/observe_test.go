package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// attempts is an observer that records the attempts.
type attempts struct {
	mu  sync.Mutex
	all []Attempt
}

var _ Observer = (*attempts)(nil)

func (a *attempts) StoreCalled(_ context.Context, attempt Attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, attempt)
}

func TestAttemptsOfACallAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &attempts{}
		o, err := openOne(t, Options{Observer: seen, Limits: Limits{Retries: 2}}, false,
			func(context.Context) (countedConn, error) { return newConn(), nil })
		require.NoError(t, err)
		defer func() { require.NoError(t, o.Close()) }()
		down := Unavailable(errors.New("down"))
		_, err = Use(t.Context(), o, func(context.Context, countedConn) (string, error) {
			<-time.After(time.Second)
			return "", down
		})
		require.ErrorIs(t, err, credential.Unavailable)
		want := Attempt{Store: "secretStore", Type: "secretstores.test", Took: time.Second, Err: down}
		for i := range 3 {
			want.Number = i + 1
			require.Equal(t, want, seen.all[i])
		}
		assert.Len(t, seen.all, 3)
	})
}

func TestAnAttemptSaysHowLongItWasQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &attempts{}
		o, err := openOne(t, Options{Observer: seen, Limits: Limits{Concurrency: 1}}, true,
			func(context.Context) (countedConn, error) { return newConn(), nil })
		require.NoError(t, err)
		defer func() { require.NoError(t, o.Close()) }()
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				_, err := Use(t.Context(), o, func(context.Context, countedConn) (string, error) {
					<-time.After(100 * time.Millisecond)
					return "", nil
				})
				assert.NoError(t, err)
			})
		}
		all.Wait()
		want := Attempt{Store: "secretStore", Type: "secretstores.test", Number: 1, Took: 100 * time.Millisecond}
		waited := want
		waited.Queued = 100 * time.Millisecond
		assert.Equal(t, []Attempt{want, waited}, seen.all)
	})
}
