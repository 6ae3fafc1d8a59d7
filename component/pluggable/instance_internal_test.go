package pluggable

import (
	"os"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/logtext"
)

// opened returns an instance with a store that waits for a connection, as after a restart.
func opened(peer process) (in *instance[*nothing], store *nothing) {
	in, store = newInstance[*nothing](instanceKey{peer, "c"}), &nothing{}
	in.put(counted(store), nil, nil)
	return in, store
}

// counted returns a store that no call uses.
func counted(store *nothing) *refCounted[*nothing] {
	return &refCounted[*nothing]{store: store, log: (&logtext.Text{}).Logger("test"), closed: func() {}}
}

func TestAStoreClosesAfterTwoChecksWithoutAConnection(t *testing.T) {
	visible := process{pid: 1, start: 1}
	for name, test := range map[string]struct {
		between func(in *instance[*nothing])
		closed  bool
	}{
		"nothing happens": {func(*instance[*nothing]) {}, true},
		"a binding calls it": {func(in *instance[*nothing]) {
			in.take(nil).release()
		}, false},
		"a connection uses it": {func(in *instance[*nothing]) {
			in.take(connected(visible)).release()
		}, false},
		"it is opened again": {func(in *instance[*nothing]) {
			in.put(counted(in.open.store), nil, nil)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, _ := opened(visible)
				require.False(t, in.closeIdle())
				test.between(in)
				assert.Equal(t, test.closed, in.closeIdle())
				assert.Equal(t, test.closed, in.open == nil)
				in.drop()
			})
		})
	}
}

func TestTheEndOfAnotherConnectionLeavesAStoreOpen(t *testing.T) {
	in, _ := opened(process{pid: 1, start: 1})
	other, user := connected(process{pid: 2, start: 1}), connected(process{pid: 1, start: 1})
	assert.False(t, in.leave(other), "the store waits for its connection")
	in.take(user).release()
	assert.False(t, in.leave(other))
	require.NotNil(t, in.open)
	assert.True(t, in.leave(user))
}

func TestAPeerIsAbsentUntilItComesBack(t *testing.T) {
	in, _ := opened(absent(1))
	assert.True(t, in.absent())
	c := connected(absent(1))
	in.take(c).release()
	assert.False(t, in.absent(), "it is connected")
	in.leave(c)
	assert.True(t, in.absent(), "its end cannot be seen")
	in.pidfd = pidfd(os.Stdin.Fd())
	assert.False(t, in.absent(), "its end can be seen")

	other, _ := opened(process{pid: 1, start: 1})
	assert.False(t, other.absent(), "that of a visible process can be seen always")
}
