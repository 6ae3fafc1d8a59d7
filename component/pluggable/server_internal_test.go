package pluggable

import (
	"context"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/internal/logtext"
)

// quietStore is a secret store that only closes.
type quietStore struct{ secretstores.SecretStore }

func (quietStore) Close() error { return nil }

// quietBinding is a binding that only closes.
type quietBinding struct{ bindings.OutputBinding }

func (quietBinding) Close() error { return nil }

// newQuietServer returns a server with a state folder, which does not run. Its stores and
// bindings do nothing.
func newQuietServer(t *testing.T) *Server[quietStore] {
	t.Helper()
	s, err := New(Options{
		Name: "x", Logger: (&logtext.Text{}).Logger("x"), SocketFolder: "/sockets", StateFolder: t.TempDir(), StateOnDisk: true,
	}, func() quietStore { return quietStore{} }, nil)
	require.NoError(t, err)
	s.stores.init = func(context.Context, string, map[string]string) (quietStore, error) { return quietStore{}, nil }
	s.bindings.init = func(context.Context, string, map[string]string) (bindings.OutputBinding, error) {
		return quietBinding{}, nil
	}
	return s
}

// watched runs a test in a bubble of time, in which a server watches its peers. c is the
// connection of a daprd that has a secret store and a binding, and that lives if alive is set.
func watched(t *testing.T, alive bool, test func(t *testing.T, s *Server[quietStore], c *connection)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newQuietServer(t)
		peer := absent(1)
		if !alive {
			peer = process{pid: math.MaxInt32, start: 1} // no process has this pid
		}
		c := connected(peer)
		require.NoError(t, s.stores.initialise(t.Context(), c, "store", nil))
		require.NoError(t, s.bindings.initialise(t.Context(), c, "binding", nil))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.watchPeers(ctx); close(ended) }()
		synctest.Wait()
		test(t, s, c)
		cancel()
		<-ended
		for _, close := range []func(){s.stores.close, s.bindings.close, s.stores.awaitClosed, s.bindings.awaitClosed} {
			close()
		}
	})
}

// open returns how many stores and bindings are open.
func (s *Server[S]) open() int { return openOf(s.stores) + openOf(s.bindings) }

func openOf[T io.Closer](s *instances[T]) (n int) {
	for _, in := range s.all() {
		in.mu.Lock()
		if in.open != nil {
			n++
		}
		in.mu.Unlock()
	}
	return n
}

// kept returns how many instances there are.
func (s *Server[S]) kept() int { return len(s.stores.all()) + len(s.bindings.all()) }

func TestWhatADaprdUsedClosesWithItsConnection(t *testing.T) {
	watched(t, true, func(t *testing.T, s *Server[quietStore], c *connection) {
		require.Equal(t, 2, s.open())
		c.ended.Store(true)
		s.connectionEnded(c)
		assert.Zero(t, s.open())
		assert.Equal(t, 2, s.kept())
	})
}

func TestADaprdThatEndsIsForgottenSoonAfterItsConnection(t *testing.T) {
	watched(t, false, func(t *testing.T, s *Server[quietStore], c *connection) {
		<-time.After(endCheck + time.Millisecond) // past the check at the start
		c.ended.Store(true)
		s.connectionEnded(c)
		for range 5 { // further connections that end do not delay the check
			<-time.After(endCheck / 5)
			s.connectionEnded(connected(absent(2)))
		}
		synctest.Wait()
		assert.Zero(t, s.kept())
	})
}

func TestEveryConnectionThatEndsIsFollowedByACheck(t *testing.T) {
	watched(t, false, func(t *testing.T, s *Server[quietStore], c *connection) {
		for range 2 {
			s.connectionEnded(connected(absent(2)))
			<-time.After(endCheck + time.Millisecond)
		}
		require.Equal(t, 2, s.kept(), "it is connected")
		c.ended.Store(true)
		s.connectionEnded(c)
		<-time.After(endCheck + time.Millisecond)
		assert.Zero(t, s.kept())
	})
}

func TestADaprdThatEndsWithoutASignIsForgottenAtTheNextCheck(t *testing.T) {
	watched(t, false, func(t *testing.T, s *Server[quietStore], c *connection) {
		<-time.After(endCheck + time.Millisecond)
		c.ended.Store(true)
		s.stores.connectionEnded(c)
		s.bindings.connectionEnded(c)
		<-time.After(peerCheck + time.Millisecond)
		assert.Zero(t, s.kept())
	})
}

func TestStoresThatNobodyUsesAreClosedInTime(t *testing.T) {
	watched(t, true, func(t *testing.T, s *Server[quietStore], c *connection) {
		c.ended.Store(true)
		s.connectionEnded(c)
		for _, acquire := range []func() error{
			func() error {
				r, err := s.stores.acquire(t.Context(), c.peer, nil, "store")
				if err == nil {
					r.release()
				}
				return err
			},
			func() error {
				r, err := s.bindings.acquire(t.Context(), c.peer, nil, "binding")
				if err == nil {
					r.release()
				}
				return err
			},
		} {
			require.NoError(t, acquire())
		}
		require.Equal(t, 2, s.open())
		<-time.After(2*peerCheck + time.Millisecond)
		assert.Zero(t, s.open())
		assert.Equal(t, 2, s.kept())
	})
}

func TestAnswersThatAreTooOldAreRemovedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAnswering(t, nil)
		answer := answerOf("g", "text")
		answer.MaxAge = peerCheck / 2
		a.component("c").Save(answer)
		require.Len(t, a.files(), 1)
		s := newQuietServer(t)
		s.answers = a.answers
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.watchPeers(ctx); close(ended) }()
		<-time.After(peerCheck + time.Millisecond)
		synctest.Wait()
		a.idle()
		assert.Empty(t, a.files())
		cancel()
		<-ended
	})
}
