package cli

import "golang.org/x/sys/unix"

// forbidReading makes the process non-dumpable: the kernel writes no core, also where
// a core goes to a program, and another process of the same user may neither trace it
// nor read its /proc/PID/mem, environ and fd, which belong to root from now on. What
// it needs of its own (fd, stat, limits) the process still reads.
func forbidReading() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
