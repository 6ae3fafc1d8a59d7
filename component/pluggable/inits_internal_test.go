package pluggable

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// connected returns a connection of a process.
func connected(peer process) *connection { return &connection{peer: peer, pidfd: noPidfd} }

// callAndEnd makes a call to the Component "c", which must succeed. Then it closes all stores
// and waits until they are closed. It returns the store that took the call.
func callAndEnd(t *testing.T, s *instances[*nothing], c *connection) *nothing {
	t.Helper()
	call, err := s.acquire(t.Context(), c.peer, c, "c")
	require.NoError(t, err)
	call.release()
	s.close()
	s.awaitClosed()
	return call.store
}

// TestTwoInitsAtOnceRunInTheirOrder has an Init of a Component come while another is stuck: the
// metadata of the later one count.
func TestTwoInitsAtOnceRunInTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pid: 1, start: 1})
		var begun []string
		release := make(chan struct{})
		s.init = func(_ context.Context, _ string, properties map[string]string) (*nothing, error) {
			begun = append(begun, properties["say"])
			if properties["say"] == "first" {
				<-release
			}
			return &nothing{id: properties["say"]}, nil
		}
		ended := make(chan error, 2)
		for _, say := range []string{"first", "second"} {
			go func() { ended <- s.initialise(t.Context(), c, "c", map[string]string{"say": say}) }()
			synctest.Wait()
		}
		require.Equal(t, []string{"first"}, begun)
		close(release)
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)

		properties, _ := s.byKey[instanceKey{c.peer, "c"}].remembered()
		assert.Equal(t, map[string]string{"say": "second"}, properties)
		assert.Equal(t, "second", callAndEnd(t, s, c).id)
	})
}

// TestAnInitThatFailsLeavesTheInstanceToTheNext has an Init of a new Component wait for
// another one, which fails.
func TestAnInitThatFailsLeavesTheInstanceToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pid: 1, start: 1})
		release := make(chan error)
		s.init = func(context.Context, string, map[string]string) (*nothing, error) {
			return &nothing{}, <-release
		}
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- s.initialise(t.Context(), c, "c", nil) }()
		}
		synctest.Wait()
		release <- errors.New("no")
		require.Error(t, <-ended)
		release <- nil
		require.NoError(t, <-ended)

		callAndEnd(t, s, c)
	})
}

// TestAnInitUnderWayKeepsItsInstance has a peer check during the first Init of a peer that
// is its connection: before it has used the instance, it seems to be gone.
func TestAnInitUnderWayKeepsItsInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{connection: 1})
		release := make(chan struct{})
		s.init = func(context.Context, string, map[string]string) (*nothing, error) {
			<-release
			return &nothing{}, nil
		}
		ended := make(chan error)
		go func() { ended <- s.initialise(t.Context(), c, "c", nil) }()
		synctest.Wait()
		s.dropGone()
		close(release)
		require.NoError(t, <-ended)

		callAndEnd(t, s, c)
	})
}

func TestAnInitWaitsForAnotherForALimitedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pid: 1, start: 1})
		hang, gaveUp := make(chan struct{}), errors.New("gave up")
		s.init = func(context.Context, string, map[string]string) (*nothing, error) {
			<-hang
			return nil, gaveUp
		}
		first := make(chan error)
		go func() { first <- s.initialise(t.Context(), c, "c", nil) }()
		synctest.Wait()

		begun := time.Now()
		err := s.initialise(t.Context(), c, "c", nil)
		assert.Equal(t, codes.Unavailable, status.Code(err))
		assert.ErrorContains(t, err, "its store hangs")
		assert.Equal(t, 10*time.Second, time.Since(begun))

		begun = time.Now()
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = s.initialise(brief, c, "c", nil)
		assert.Equal(t, codes.DeadlineExceeded, status.Code(err), "the caller had less time")
		assert.Equal(t, time.Second, time.Since(begun))
		close(hang)
		require.ErrorIs(t, <-first, gaveUp)
		s.close()
	})
}

func TestACallDoesNotWaitLongForAStoreToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pid: 1, start: 1})
		require.NoError(t, s.initialise(t.Context(), c, "c", nil))
		c.ended.Store(true)
		s.connectionEnded(c)
		s.init = func(ctx context.Context, _ string, _ map[string]string) (*nothing, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		again, begun := connected(c.peer), time.Now()
		_, err := s.acquire(t.Context(), again.peer, again, "c")
		assert.Equal(t, codes.Unavailable, status.Code(err))
		assert.Equal(t, reopenTimeout, time.Since(begun))
		s.close()
	})
}

func TestACallOnAConnectionThatHasEndedOpensNothing(t *testing.T) {
	s := newNothings()
	defer s.close()
	c := connected(process{pid: 1, start: 1})
	require.NoError(t, s.initialise(t.Context(), c, "c", nil))
	c.ended.Store(true)
	s.connectionEnded(c)
	s.init = func(context.Context, string, map[string]string) (*nothing, error) {
		assert.Fail(t, "nobody would receive the answer")
		return &nothing{}, nil
	}
	_, err := s.acquire(t.Context(), c.peer, c, "c")
	assert.Equal(t, codes.Canceled, status.Code(err))
}

// A store of contrib may write to the metadata that it gets.
func TestAStoreMayChangeItsMetadata(t *testing.T) {
	s := newNothings()
	defer s.close()
	s.state = newTestState(t)
	c := connected(absent(1))
	s.init = func(_ context.Context, _ string, properties map[string]string) (*nothing, error) {
		assert.Equal(t, map[string]string{"say": "hi"}, properties)
		properties["say"] = "changed"
		return &nothing{}, nil
	}
	require.NoError(t, s.initialise(t.Context(), c, "c", map[string]string{"say": "hi"}))
	records := s.state.load(func(path string, why error) { assert.NoError(t, why, path) })
	require.Len(t, records, 1, "it is saved before daprd has its answer")
	assert.Equal(t, map[string]string{"say": "hi"}, records[0].Properties)

	c.ended.Store(true)
	s.connectionEnded(c)
	again := connected(c.peer)
	call, err := s.acquire(t.Context(), again.peer, again, "c")
	require.NoError(t, err)
	call.release()
}

func TestAnInitAfterTheEndLeavesNoStoreOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		s.close()
		var late *nothing
		s.init = func(context.Context, string, map[string]string) (*nothing, error) {
			late = &nothing{}
			return late, nil
		}
		require.NoError(t, s.initialise(t.Context(), connected(process{pid: 1, start: 1}), "c", nil))
		synctest.Wait()
		assert.True(t, late.closed.Load())
		s.awaitClosed()
	})
}

func TestCallsThatComeBackAtOnceShareOneInit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pid: 1, start: 1})
		require.NoError(t, s.initialise(t.Context(), c, "c", nil))
		c.ended.Store(true)
		s.connectionEnded(c)
		inits, release := 0, make(chan struct{})
		s.init = func(context.Context, string, map[string]string) (*nothing, error) {
			inits++
			<-release
			return &nothing{}, nil
		}
		again := connected(c.peer)
		calls := make(chan *refCounted[*nothing])
		for range 16 {
			go func() {
				call, err := s.acquire(t.Context(), again.peer, again, "c")
				assert.NoError(t, err)
				calls <- call
			}()
		}
		synctest.Wait()
		assert.Equal(t, 1, inits)
		close(release)
		first := <-calls
		for range 15 {
			call := <-calls
			assert.Same(t, first, call)
			call.release()
		}
		assert.Equal(t, 1, inits)
		first.release()
		s.close()
		s.awaitClosed()
	})
}

// holdInit has the next Init wait until the channel is closed. It returns the store of that Init.
func holdInit(s *instances[*nothing]) (*nothing, chan<- struct{}) {
	fresh, release := &nothing{}, make(chan struct{})
	s.init = func(context.Context, string, map[string]string) (*nothing, error) {
		<-release
		return fresh, nil
	}
	return fresh, release
}

// The idle check would close the store too, but only after some 20 seconds.
func TestAConnectionThatEndsDuringAnInitClosesItsStoreAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pidfd: 1})
		fresh, release := holdInit(s)
		ended := make(chan error)
		go func() { ended <- s.initialise(t.Context(), c, "c", nil) }()
		synctest.Wait()
		c.ended.Store(true)
		s.connectionEnded(c)
		close(release)

		require.NoError(t, <-ended)
		synctest.Wait()
		assert.True(t, fresh.closed.Load())
		s.close()
		s.awaitClosed()
	})
}

// The instance's peer ends while the instance is opened again.
func TestAStoreThatComesBackForADroppedInstanceIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pidfd: 1})
		require.NoError(t, s.initialise(t.Context(), c, "c", nil))
		c.ended.Store(true)
		s.connectionEnded(c)
		fresh, release := holdInit(s)
		ended := make(chan error)
		go func() {
			_, err := s.acquire(t.Context(), c.peer, nil, "c") // by a binding
			ended <- err
		}()
		synctest.Wait()
		s.drop(func(*instance[*nothing]) bool { return true })
		close(release)

		assert.Equal(t, codes.Unavailable, status.Code(<-ended))
		synctest.Wait()
		assert.True(t, fresh.closed.Load(), "nobody could ever close it")
		s.close()
		s.awaitClosed()
	})
}
