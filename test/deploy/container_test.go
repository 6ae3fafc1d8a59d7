//go:build deploy

package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"credential-resolver/test/harness"
	"credential-resolver/test/session"
)

// spec says how to run a program like a container does, without a container engine: its own
// processes, mounts and root, as one user without capabilities.
type spec struct {
	Root     string // the folder that becomes "/"
	ReadOnly bool
	Mounts   []mount
	Network  int // the process whose network it shares; 0 means a network of its own
	UID, GID int
	Args     []string
	Env      []string
}

type mount struct {
	Source, Target string
	ReadOnly       bool
}

// container is a running program.
type container struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error

	mu  sync.Mutex
	out bytes.Buffer
}

// specVariable carries the spec to the first process of a container: this test's program again.
const specVariable = "CREDENTIAL_RESOLVER_TEST_CONTAINER"

func TestMain(m *testing.M) {
	if text := os.Getenv(specVariable); text != "" {
		fmt.Fprintln(os.Stderr, "container:", enter(text))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// run starts a container.
func run(s spec) (*container, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{specVariable + "=" + string(text), "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWIPC}
	if s.Network == 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWNET
	}
	return start(cmd)
}

// start starts a program in its own PID namespace: all its children end with it.
func start(cmd *exec.Cmd) (*container, error) {
	c := &container{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = c, c
	harness.OtherPIDs(cmd.SysProcAttr)
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel kills the container when the thread that started it ends
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
			close(c.done)
		}
	}()
	return c, <-started
}

// Write collects the output.
func (c *container) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *container) log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

// ended tells whether the container has ended.
func (c *container) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// enter turns this process into the program of the container. It returns only if it fails.
func enter(text string) error {
	runtime.LockOSThread()
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	for _, step := range []func() error{s.mount, s.network, s.confine} {
		if err := step(); err != nil {
			return err
		}
	}
	return unix.Exec(s.Args[0], s.Args, s.Env)
}

// mount makes the root and its mounts, which end with this process.
func (s spec) mount() error {
	err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount(s.Root, s.Root, "", unix.MS_BIND, ""),
		unix.Mount("proc", filepath.Join(s.Root, "proc"), "proc", 0, ""))
	for _, m := range s.Mounts {
		target := filepath.Join(s.Root, m.Target)
		err = errors.Join(err, unix.Mount(m.Source, target, "", unix.MS_BIND, ""))
		if m.ReadOnly {
			err = errors.Join(err, unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		}
	}
	if s.ReadOnly {
		err = errors.Join(err, unix.Mount("", s.Root, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	}
	return err
}

// network joins the network of another container, or makes one that has an address.
func (s spec) network() error {
	if s.Network != 0 {
		fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", s.Network), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Setns(fd, unix.CLONE_NEWNET)
	}
	out, err := exec.Command("sh", "-ec", session.MakeNetwork).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// confine changes the root and the user, and drops every privilege.
func (s spec) confine() error {
	err := errors.Join(unix.Chroot(s.Root), unix.Chdir("/"))
	for capability := range uintptr(unix.CAP_LAST_CAP + 1) {
		err = errors.Join(err, unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0))
	}
	return errors.Join(err,
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
		syscall.Setgroups(nil), syscall.Setgid(s.GID), syscall.Setuid(s.UID),
		unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0)) // a new user clears it
}

var _ io.Writer = (*container)(nil)
