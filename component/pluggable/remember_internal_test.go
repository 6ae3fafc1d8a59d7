package pluggable

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPeerThatIsItsConnectionIsNotRemembered(t *testing.T) {
	s := newNothings()
	defer s.close()
	s.state = newTestState(t)
	for _, peer := range []process{{connection: 1}, absent(1)} {
		require.NoError(t, s.initialise(t.Context(), connected(peer), peer.String(), nil))
	}
	assert.Equal(t, []string{absent(1).String()}, s.state.names(t), "nobody could come back to the other")
}

func TestAnInstanceForWhichThereIsNoRoomIsForgotten(t *testing.T) {
	s := newNothings()
	defer s.close()
	s.state = newTestState(t)
	for i := range maxPeerInstances {
		_, err := s.begin(instanceKey{absent(1), fmt.Sprint(i)})
		require.NoError(t, err)
	}
	more := instanceKey{absent(1), "more"}
	require.NoError(t, s.state.save(s.kind, more, nil))
	var restoring sync.WaitGroup
	s.restore(t.Context(), newRecord(s.kind, more, nil), &restoring)
	restoring.Wait()
	assert.NotContains(t, s.byKey, more)
	assert.Empty(t, s.state.names(t))
}

// TestARestoredInstanceIsLeftAloneWhileItOpens has a peer check and a call come while the store
// of a restored instance opens.
func TestARestoredInstanceIsLeftAloneWhileItOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newNothings()
		inits, release := 0, make(chan struct{})
		s.init = func(context.Context, string, map[string]string) (*nothing, error) {
			inits++
			<-release
			return &nothing{}, nil
		}
		key := instanceKey{process{pid: math.MaxInt32, start: 1}, "c"} // no process has this pid
		var restoring sync.WaitGroup
		s.restore(t.Context(), newRecord(s.kind, key, nil), &restoring)
		synctest.Wait()
		s.dropGone()
		require.Contains(t, s.byKey, key)
		called := make(chan *refCounted[*nothing])
		go func() {
			call, err := s.acquire(t.Context(), key.peer, nil, key.name)
			assert.NoError(t, err)
			called <- call
		}()
		synctest.Wait()
		close(release)
		restoring.Wait()
		(<-called).release()
		assert.Equal(t, 1, inits)

		s.dropGone()
		assert.Empty(t, s.byKey)
		s.close()
		s.awaitClosed()
	})
}

func TestAStartWaitsForItsStoresForALimitedTime(t *testing.T) {
	for name, opens := range map[string]time.Duration{"they open": reopenTimeout / 2, "one hangs": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newQuietServer(t)
				state, err := openState(s.opts.StateFolder, socketPath(s.opts), true, nil)
				require.NoError(t, err)
				require.NoError(t, state.save("secretstores", instanceKey{absent(1), "c"}, nil))
				state.close()
				s.stores.init = func(context.Context, string, map[string]string) (quietStore, error) {
					<-time.After(opens) // of the bubble's time
					return quietStore{}, nil
				}

				begun := time.Now()
				s.restore(t.Context())

				assert.Equal(t, min(opens, 2*reopenTimeout), time.Since(begun))
				<-time.After(opens)
				s.stores.close()
				s.stores.awaitClosed()
				s.closeAnswers()
				s.stores.state.close()
			})
		})
	}
}
