package harness

import "syscall"

// dieWithParent has the kernel end a program with the thread that starts it.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
