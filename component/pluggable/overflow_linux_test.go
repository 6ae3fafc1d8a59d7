package pluggable_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/logtext"
)

// runInNamespace runs a child in a user namespace that maps only this process's user, to uid,
// and in further namespaces. It returns the child's output.
func runInNamespace(t *testing.T, uid int, more uintptr, word string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, word)
	cmd.Env = pluggable.ChildEnvironment()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | more,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// TestOverflowUserMayNotCall runs in a user namespace. There, every user without a mapping
// appears as nobody.
func TestOverflowUserMayNotCall(t *testing.T) {
	for _, test := range []struct {
		uid  int
		word string
		want string
	}{
		{1000, "new", "<nil>"},
		{overflow, "new", "stands for all users"},
		{0, "new for overflow", "stands for all users"},
		{1000, "new for overflow", "stands for all users"},
	} {
		assert.Contains(t, runInNamespace(t, test.uid, 0, test.word), test.want, test)
	}

	mapped, err := os.ReadFile("/proc/self/uid_map")
	require.NoError(t, err)
	_, err = pluggable.New(pluggable.Options{
		Name: componentName, Logger: (&logtext.Text{}).Logger(t.Name()), AllowUIDs: []uint32{overflow},
	}, (&echoes{}).New, nil)
	all := strings.Join(strings.Fields(string(mapped)), " ") == "0 0 4294967295"
	assert.Equal(t, all, err == nil, "where every user is mapped, it is one like any other")
}

// TestAProcessWhoseStartIsHiddenLives has a child in a PID namespace whose /proc is that of
// another one.
func TestAProcessWhoseStartIsHiddenLives(t *testing.T) {
	assert.Equal(t, "1 false true\n", runInNamespace(t, os.Getuid(), syscall.CLONE_NEWPID, "ended"))
}
