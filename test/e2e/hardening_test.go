//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// ordinary returns the user for this test's component. It is never root.
func ordinary() uint32 {
	if uid := os.Getuid(); uid != 0 {
		return uint32(uid)
	}
	return 65534
}

// opens reports whether another process of a user can open a file for reading.
func opens(t *testing.T, uid uint32, path string) bool {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `: < "$1"`, "sh", path)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	return cmd.Run() == nil
}

// TestMemoryIsNotForOthersOfTheUser lets another process of the same user open the component's
// memory, /proc/PID/mem. The kernel protects it in the same way as it restricts ptrace.
func TestMemoryIsNotForOthersOfTheUser(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		flags []string
		open  bool
	}{
		"by default":              {nil, false},
		"with --allow-core-dumps": {[]string{"--allow-core-dumps"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uid, sockets := ordinary(), socketFolder(t)
			if os.Getuid() == 0 {
				require.NoError(t, os.Chown(sockets, int(uid), int(uid)))
			}
			require.NoError(t, os.Chmod(sockets, 0o755))
			o := harness.ComponentOptions{SocketFolder: sockets, Metrics: true, Args: test.flags}
			if os.Getuid() == 0 {
				o.UID = uid
			}
			component := startComponent(t, o)
			proc := fmt.Sprintf("/proc/%d/", component.Pid())

			info, err := os.Stat(proc + "environ")
			require.NoError(t, err)
			owner := info.Sys().(*syscall.Stat_t).Uid
			require.Equal(t, test.open, opens(t, uid, proc+"environ"))
			require.Equal(t, test.open, opens(t, uid, proc+"maps"))
			limits, err := os.ReadFile(proc + "limits")
			require.NoError(t, err)
			noCore := regexp.MustCompile(`(?m)^Max core file size +0 +0 +bytes`)
			if test.open {
				require.Equal(t, uid, owner)
				ours, err := os.ReadFile("/proc/self/limits")
				require.NoError(t, err)
				core := regexp.MustCompile(`(?m)^Max core file size.*$`)
				require.Equal(t, core.FindString(string(ours)), core.FindString(string(limits)), "the core limit must be the inherited one")
			} else {
				require.Zero(t, owner, "files in /proc must belong to root")
				require.False(t, opens(t, uid, proc+"mem"))
				require.Regexp(t, noCore, string(limits))
			}
			// The component can still read its own files in /proc.
			require.Positive(t, metric(t, component.Metrics, "process_open_fds"))
			require.Positive(t, metric(t, component.Metrics, "process_max_fds"))
			require.Positive(t, metric(t, component.Metrics, "process_resident_memory_bytes"))
		})
	}
}
