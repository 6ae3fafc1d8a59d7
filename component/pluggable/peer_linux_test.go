package pluggable

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/test/waiting"
)

func TestStartTimeIsReadPastAnyProcessName(t *testing.T) {
	const name = "a) Z 1 (b"
	child := StartChild(t, name)
	proc := fmt.Sprintf("/proc/%d/", child.Process.Pid)
	require.Eventually(t, func() bool { // at first the child still has its parent's name
		comm, err := os.ReadFile(proc + "comm")
		return err == nil && string(comm) == name+"\n"
	}, waiting.Long, time.Millisecond)

	start, alive := startTime(int32(child.Process.Pid))

	assert.True(t, alive)
	own, _ := startTime(int32(os.Getpid()))
	assert.GreaterOrEqual(t, start, own)
}
