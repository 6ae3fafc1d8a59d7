package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// downConnector returns a connector to a store that is down, and a channel that receives the
// time of each attempt. It must run in a synctest bubble.
func downConnector(t *testing.T) (l *connector[countedConn], attempts chan time.Time) {
	t.Helper()
	attempts = make(chan time.Time, 1000)
	l = newConnector(func(context.Context) (countedConn, error) {
		attempts <- time.Now()
		return countedConn{}, errors.New("down")
	}, ignore)
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-l.ended
	})
	return l, attempts
}

// pauses returns the times between attempts.
func pauses(attempts chan time.Time) []time.Duration {
	var between []time.Duration
	for last := <-attempts; len(attempts) > 0; {
		next := <-attempts
		between = append(between, next.Sub(last))
		last = next
	}
	return between
}

func TestPausesGrowToHalfAMinuteWhileNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, attempts := downConnector(t)
		<-time.After(10 * time.Minute)
		got := pauses(attempts)
		require.Less(t, got[0], time.Second)
		require.Greater(t, len(got), 600/45)
		for _, pause := range got[len(got)-5:] {
			require.GreaterOrEqual(t, pause, 15*time.Second)
			require.LessOrEqual(t, pause, 45*time.Second)
		}
	})
}

func TestPausesAreShortWhileACallWaits(t *testing.T) {
	for name, calls := range map[string]int{"one call": 1, "many calls": 50} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, attempts := downConnector(t)
				<-time.After(10 * time.Minute)
				for len(attempts) > 0 {
					<-attempts
				}

				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				ended := make(chan error, calls)
				for range calls {
					go func() {
						_, err := l.await(ctx)
						ended <- err
					}()
				}
				for range calls {
					storetest.RequireKind(t, credential.Unavailable, <-ended)
				}
				require.LessOrEqual(t, (<-attempts).Sub(began), retryWhileWanted)
				got := pauses(attempts)
				require.GreaterOrEqual(t, len(got), 8)
				for _, pause := range got {
					require.Equal(t, retryWhileWanted, pause, "the pause must not depend on the number of waiting calls")
				}

				<-time.After(10 * time.Minute)
				got = pauses(attempts)
				require.GreaterOrEqual(t, got[len(got)-1], 15*time.Second, "the pauses grow again when no call waits")
			})
		})
	}
}

func TestCallThatWaitsGetsAStoreThatComesUpMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		up := time.Now().Add(10*time.Minute + 5*time.Second)
		l := newConnector(func(context.Context) (countedConn, error) {
			if time.Now().Before(up) {
				return countedConn{}, errors.New("down")
			}
			return newConn(), nil
		}, ignore)
		defer func() { require.NoError(t, l.Close()) }()
		<-time.After(10 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := l.await(ctx)
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(up), retryWhileWanted)
	})
}

func TestClosingEndsAPauseAndTheCallsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := downConnector(t)
		ended := make(chan error)
		go func() {
			_, err := l.await(context.Background())
			ended <- err
		}()
		<-time.After(10 * time.Minute)
		began := time.Now()
		require.NoError(t, l.Close())
		storetest.RequireKind(t, credential.Unavailable, <-ended)
		require.Zero(t, time.Since(began))
	})
}
