package pluggable_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component/pluggable"
)

// TestOverflowUserMayNotCall runs as nobody in a user namespace. There, every
// user without a mapping appears as nobody.
func TestOverflowUserMayNotCall(t *testing.T) {
	for uid, want := range map[int]string{65534: "stands for all users", 1000: "<nil>"} {
		self, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.Command(self, "new")
		cmd.Env = pluggable.ChildEnvironment()
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		assert.Contains(t, string(out), want)
	}
}
