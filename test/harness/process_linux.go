package harness

import (
	"os"
	"syscall"
)

// dieWithParent has the kernel end a program with the thread that starts it.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// otherPIDs gives a program a PID namespace of its own, as a container has; who is
// not root needs a user namespace for that.
func otherPIDs(attr *syscall.SysProcAttr) {
	attr.Cloneflags |= syscall.CLONE_NEWPID
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
	}
}
