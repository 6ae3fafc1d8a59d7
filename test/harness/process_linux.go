package harness

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// dieWithParent lets the kernel kill a program when the thread that started it ends.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// OtherPIDs gives a program its own PID namespace, as in a container. Without root, that also
// needs a user namespace.
func OtherPIDs(attr *syscall.SysProcAttr) {
	attr.Cloneflags |= syscall.CLONE_NEWPID
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
	}
}

// running reports whether a process has a thread that has neither ended nor been stopped by a
// signal.
func running(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	return slices.ContainsFunc(threads, func(thread string) bool {
		text, _ := os.ReadFile(thread) // empty if the thread has ended
		state := text[bytes.LastIndexByte(text, ')')+1:]
		return len(state) > 1 && bytes.IndexByte([]byte("RSD"), state[1]) >= 0
	})
}

// PeakMemory returns the program's peak memory so far, in bytes.
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
