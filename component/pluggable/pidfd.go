package pluggable

import "golang.org/x/sys/unix"

// pidfd is a file descriptor of a process (pidfd_open(2)).
type pidfd int

// noPidfd is no descriptor. Its methods do nothing.
const noPidfd pidfd = -1

// ended reports whether the process has ended. It returns false for noPidfd.
func (p pidfd) ended() bool {
	if p == noPidfd {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(p), Events: unix.POLLIN}} //nolint:gosec // a descriptor is a C int
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// dup returns another descriptor of the process, or noPidfd if that fails.
func (p pidfd) dup() pidfd {
	if p == noPidfd {
		return noPidfd
	}
	n, err := unix.FcntlInt(uintptr(p), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return noPidfd
	}
	return pidfd(n)
}

func (p pidfd) close() {
	if p != noPidfd {
		_ = unix.Close(int(p))
	}
}
