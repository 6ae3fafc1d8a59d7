//go:build !linux

package harness

import "syscall"

// dieWithParent does nothing: only Linux can end a program with its parent.
func dieWithParent(*syscall.SysProcAttr) {}

// OtherPIDs does nothing: only Linux has PID namespaces.
func OtherPIDs(*syscall.SysProcAttr) {}

// running always returns false: only Linux has /proc.
func running(int) bool { return false }
