package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

func TestSharedCheckIsNewerThanTheCallThatNeedsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s SharedCheck
		var runs atomic.Int32
		check := func(context.Context) error {
			<-time.After(time.Second) // the bubble's clock; the duration of a read
			if runs.Add(1) == 1 {
				return Absent()
			}
			return nil
		}
		first := make(chan error, 1)
		go func() { first <- s.Do(t.Context(), check) }()
		synctest.Wait()

		// The first run began before these calls, so they share the second run.
		var later sync.WaitGroup
		for range 8 {
			later.Go(func() { require.NoError(t, s.Do(t.Context(), check)) })
		}
		later.Wait()
		require.True(t, Missing(<-first))
		require.EqualValues(t, 2, runs.Load())
		require.NoError(t, s.Do(t.Context(), check))
		require.EqualValues(t, 3, runs.Load())
	})
}

func TestSharedCheckGoesOnWhenItsFirstCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s SharedCheck
		ctx, leave := context.WithTimeout(t.Context(), time.Minute)
		end := make(chan struct{})
		deadline, _ := ctx.Deadline()
		check := func(ctx context.Context) error {
			<-end
			if has, _ := ctx.Deadline(); has != deadline {
				return errors.New("it has not the deadline of its first caller")
			}
			return ctx.Err()
		}
		before := make(chan error, 1)
		go func() { before <- s.Do(t.Context(), func(context.Context) error { <-end; return nil }) }()
		synctest.Wait() // those that come now share the next run
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- s.Do(ctx, check) }()
		synctest.Wait()
		go func() { second <- s.Do(t.Context(), check) }()
		synctest.Wait()
		leave()
		require.Equal(t, credential.Timeout, credential.KindOf(<-first))
		close(end)
		require.NoError(t, <-second)
		require.NoError(t, <-before)
	})
}

func TestPanicInASharedCheckIsInternal(t *testing.T) {
	var s SharedCheck
	err := s.Do(t.Context(), func(context.Context) error { panic("canary") })
	require.Equal(t, credential.Internal, credential.KindOf(err))
	require.NoError(t, s.Do(t.Context(), func(context.Context) error { return nil }))
}
