package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// dieWithParent has the kernel end a program with the thread that starts it.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// OtherPIDs gives a program a PID namespace of its own, as a container has; who is
// not root needs a user namespace for that.
func OtherPIDs(attr *syscall.SysProcAttr) {
	attr.Cloneflags |= syscall.CLONE_NEWPID
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
	}
}

// running tells whether a thread of a process neither is stopped by a signal nor
// has ended.
func running(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return slices.ContainsFunc(threads, func(thread string) bool {
		text, _ := os.ReadFile(thread) // nothing if it has ended meanwhile
		state := text[bytes.LastIndexByte(text, ')')+1:]
		return len(state) > 1 && bytes.IndexByte([]byte("RSD"), state[1]) >= 0
	})
}

// PeakMemory returns the most memory that the program has had so far, in bytes.
func (p *Process) PeakMemory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		return 0, err
	}
	_, rest, found := bytes.Cut(text, []byte("VmHWM:"))
	var kilobytes int64
	if _, err := fmt.Sscan(string(rest), &kilobytes); !found || err != nil {
		return 0, fmt.Errorf("no peak of memory in the status of %s", p.name)
	}
	return kilobytes << 10, nil
}
