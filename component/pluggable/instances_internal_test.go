package pluggable

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"
	"github.com/dapr/kit/logger"
)

// nothing is a store that does nothing. Its id makes instances distinct.
type nothing struct {
	id     string
	closed atomic.Bool
}

func (n *nothing) Close() error {
	n.closed.Store(true)
	return nil
}

func newNothings() *instances[*nothing] {
	return newInstances("secretstores", logger.NewLogger("test"),
		func(ctx context.Context, _ string, _ map[string]string) (*nothing, error) {
			return &nothing{id: InstanceID(ctx)}, nil
		})
}

var _ io.Closer = (*nothing)(nil)

func TestAnInstanceWhosePeerIsAbsentMakesRoom(t *testing.T) {
	s := newNothings()
	defer s.close()
	begin := func(peer process, name string) error {
		in, err := s.begin(instanceKey{peer, name})
		if err == nil {
			in.mu.Lock()
			in.initialised = true
			in.mu.Unlock()
			s.end(in)
		}
		return err
	}
	require.NoError(t, begin(absent(1), "absent"))
	for i := range maxInstances - 1 {
		require.NoError(t, begin(process{pid: int32(i/maxPeerInstances + 1), start: 1}, fmt.Sprint(i)))
	}
	require.NoError(t, begin(process{uid: 9}, "one more"))
	assert.Len(t, s.byKey, maxInstances)
	assert.NotContains(t, s.byKey, instanceKey{absent(1), "absent"})

	err := begin(process{uid: 10}, "too many")
	assert.Equal(t, codes.ResourceExhausted, status.Code(err), err)
	assert.Len(t, s.byKey, maxInstances)
}

// TestWhatGoesWithAnEvictedInstance has instances of absent peers in the way of a new one: one
// whose Init is under way, and one with a store, a record and an answer.
func TestWhatGoesWithAnEvictedInstance(t *testing.T) {
	a := newAnswering(t, nil)
	s := newNothings()
	s.state, s.answers = a.state, a.answers
	var store *nothing
	s.init = func(ctx context.Context, _ string, _ map[string]string) (*nothing, error) {
		Answers(ctx).Save(answerOf("g", "text"))
		store = &nothing{}
		return store, nil
	}
	evicted := instanceKey{absent(1), "c"}
	require.NoError(t, s.state.save(s.kind, evicted, nil))
	var restoring sync.WaitGroup
	s.restore(t.Context(), newRecord(s.kind, evicted, nil), &restoring)
	restoring.Wait()
	require.Len(t, a.files(), 1)
	initing, err := s.begin(instanceKey{absent(2), "c"})
	require.NoError(t, err)
	for i := range maxInstances - 2 {
		_, err := s.begin(instanceKey{process{pid: int32(i + 1), start: 1}, "c"})
		require.NoError(t, err)
	}

	_, err = s.begin(instanceKey{process{uid: 9}, "one more"})

	require.NoError(t, err)
	assert.Contains(t, s.byKey, initing.key)
	assert.NotContains(t, s.byKey, evicted)
	assert.Empty(t, s.state.names(t))
	assert.Empty(t, a.files())
	require.Eventually(t, store.closed.Load, 20*time.Second, time.Millisecond)
	_, err = s.begin(instanceKey{process{uid: 10}, "too many"})
	assert.Equal(t, codes.ResourceExhausted, status.Code(err), "an Init is under way in each of the others")
	s.close()
	s.awaitClosed()
}

func TestAnInstanceHasAnIDOfItsOwn(t *testing.T) {
	s := newNothings()
	defer s.close()
	id := func(peer process, name string) string {
		c := connected(peer)
		require.NoError(t, s.initialise(t.Context(), c, name, nil))
		r, err := s.acquire(t.Context(), peer, c, name)
		require.NoError(t, err)
		defer r.release()
		return r.store.id
	}
	one := id(process{pid: 1, start: 1}, "credentials")
	assert.NotEmpty(t, one)
	assert.Equal(t, one, id(process{pid: 1, start: 1}, "credentials"), "a second Init keeps the ID")
	assert.NotEqual(t, one, id(process{pid: 1, start: 2}, "credentials"), "another process has its own instance")
	assert.NotEqual(t, one, id(process{pid: 1, start: 1}, "others"))
	assert.Empty(t, InstanceID(t.Context()))
}

// TestAnIdleDaprdThatLivesIsNotForgotten has a daprd without a connection: gRPC closes one that
// was idle for half an hour.
func TestAnIdleDaprdThatLivesIsNotForgotten(t *testing.T) {
	own, alive := startTime(int32(os.Getpid()))
	require.True(t, alive)
	for name, peer := range map[string]process{
		"one that is visible":          {pid: int32(os.Getpid()), start: own},
		"one whose end cannot be seen": absent(1),
		"the one daprd of a user":      {uid: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNothings()
			defer s.close()
			c := connected(peer)
			require.NoError(t, s.initialise(t.Context(), c, "c", nil))
			c.ended.Store(true)
			s.connectionEnded(c)

			s.dropGone()

			again := connected(peer)
			call, err := s.acquire(t.Context(), peer, again, "c")
			require.NoError(t, err, "it does not repeat its Init")
			call.release()
		})
	}
}

func TestAStoreClosesWithTheLastOfItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pid: 1, start: 1})
		begin := func() *refCounted[*nothing] {
			call, err := s.acquire(t.Context(), c.peer, c, "c")
			require.NoError(t, err)
			return call
		}
		require.NoError(t, s.initialise(t.Context(), c, "c", nil))
		first, second := begin(), begin()
		require.NoError(t, s.initialise(t.Context(), c, "c", nil))
		later := begin()
		require.NotSame(t, first, later, "new calls get the new store")

		first.release()
		synctest.Wait()
		require.False(t, second.store.closed.Load(), "a call runs on it")
		second.release()
		synctest.Wait()
		assert.True(t, second.store.closed.Load())
		later.release()
		synctest.Wait()
		assert.False(t, later.store.closed.Load())
		s.close()
		s.awaitClosed()
	})
}

func TestAnInstanceWithoutIdentityGoesWithItsConnection(t *testing.T) {
	s := newNothings()
	defer s.close()
	c := connected(process{connection: 1})
	require.NoError(t, s.initialise(t.Context(), c, "credentials", nil))
	s.dropGone()
	assert.Len(t, s.byKey, 1, "the instance must stay while its connection is open")

	again := connected(process{connection: 2})
	_, err := s.acquire(t.Context(), again.peer, again, "credentials")
	assert.Equal(t, codes.Unavailable, status.Code(err))
	assert.Contains(t, err.Error(), "--single-daprd")

	c.ended.Store(true)
	s.connectionEnded(c)
	s.dropGone()
	assert.Empty(t, s.byKey)
}

func TestProcessCheckRunsDespiteEndingConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{Name: "c", Logger: logger.NewLogger("test")}, func() secretstores.SecretStore { return nil }, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go s.watchPeers(ctx)
		<-time.After(2 * endCheck) // the first check is over

		c := &connection{peer: process{connection: 1}, pidfd: noPidfd}
		in, err := s.stores.begin(instanceKey{c.peer, "credentials"})
		require.NoError(t, err)
		in.initialised = true
		s.stores.end(in)
		for range 15 {
			s.connectionEnded(c)
			<-time.After(endCheck / 10)
		}
		assert.Zero(t, s.Instances())
	})
}

func TestTheEndWaitsForAStoreWithARunningCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := connected(process{pid: 1, start: 1})
		require.NoError(t, s.initialise(t.Context(), c, "c", nil))
		call, err := s.acquire(t.Context(), c.peer, c, "c")
		require.NoError(t, err)
		s.close()
		ended := make(chan struct{})
		go func() { s.awaitClosed(); close(ended) }()
		synctest.Wait()
		select {
		case <-ended:
			require.FailNow(t, "the end does not wait")
		default:
		}
		require.False(t, call.store.closed.Load())

		call.release()
		<-ended
		assert.True(t, call.store.closed.Load())
	})
}
