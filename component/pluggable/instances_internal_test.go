package pluggable

import (
	"context"
	"fmt"
	"io"
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

func TestAnInstanceHasAnIDOfItsOwn(t *testing.T) {
	s := newNothings()
	defer s.close()
	id := func(peer process, name string) string {
		c := &connection{peer: peer, pidfd: noPidfd}
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

func TestAnInstanceWithoutIdentityGoesWithItsConnection(t *testing.T) {
	s := newNothings()
	defer s.close()
	c := &connection{peer: process{connection: 1}, pidfd: noPidfd}
	require.NoError(t, s.initialise(t.Context(), c, "credentials", nil))
	s.dropGone()
	assert.Len(t, s.byKey, 1, "the instance must stay while its connection is open")

	again := &connection{peer: process{connection: 2}, pidfd: noPidfd}
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
		c := &connection{peer: process{pid: 1, start: 1}, pidfd: noPidfd}
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

// TestAStoreThatComesBackForADroppedInstanceIsClosed has the instance's peer end while the
// instance is opened again.
func TestAStoreThatComesBackForADroppedInstanceIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		c := &connection{peer: process{pidfd: 1}, pidfd: noPidfd}
		require.NoError(t, s.initialise(t.Context(), c, "c", nil))
		c.ended.Store(true)
		s.connectionEnded(c)
		var fresh *nothing
		release := make(chan struct{})
		s.init = func(context.Context, string, map[string]string) (*nothing, error) {
			<-release
			fresh = &nothing{}
			return fresh, nil
		}
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
