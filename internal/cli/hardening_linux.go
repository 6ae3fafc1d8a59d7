package cli

import "golang.org/x/sys/unix"

// forbidReading makes the process non-dumpable. The kernel then writes no core, not even to a
// program. Another process of the same user can neither trace this one nor read its
// /proc/PID/mem, environ and fd, which now belong to root. The process can still read the
// entries that it needs itself (fd, stat, limits).
func forbidReading() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
