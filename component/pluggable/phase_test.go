package pluggable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component/pluggable"
)

func TestAServerHasPhases(t *testing.T) {
	s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.ShutdownDelay = time.Hour })
	require.Equal(t, pluggable.Starting, s.Phase())
	s.start()
	require.NoError(t, s.AwaitSocket())
	require.Eventually(t, func() bool { return s.Phase() == pluggable.Serving }, patience, tick)
	c := initialise(t, s, "c", nil)

	s.Cancel()
	require.Eventually(t, func() bool { return s.Phase() == pluggable.Stopping }, patience, tick)
	assertEchoes(t, c)
	assert.True(t, exists(s.socket), "it still serves, for a daprd that drains")
	require.NoError(t, c.Close())
	require.NoError(t, s.wait())
	assert.Equal(t, pluggable.Stopping, s.Phase())
}

func TestAPhaseHasAWord(t *testing.T) {
	for phase, want := range map[pluggable.Phase]string{
		pluggable.Starting: "starting", pluggable.Serving: "serving", pluggable.Stopping: "stopping",
	} {
		assert.Equal(t, want, phase.String())
	}
}
