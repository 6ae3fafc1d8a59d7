//go:build !nopidfd

package pluggable

import "golang.org/x/sys/unix"

// peerPidfd returns a pidfd of the process at the other end of a socket (SO_PEERPIDFD), and
// the pidfd's inode. It returns noPidfd if the kernel has none, and inode 0 if the inode does
// not identify the process. Before Linux 6.9 all pidfds share one inode. Since then they are
// files of pidfs, where an inode belongs to one process.
//
// The build tag nopidfd leaves this function out, to test how we behave on a kernel without
// pidfds.
func peerPidfd(fd int) (pidfd, uint64) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if err != nil {
		return noPidfd, 0
	}
	p := pidfd(n)
	var fs unix.Statfs_t
	var stat unix.Stat_t
	if unix.Fstatfs(n, &fs) != nil || fs.Type != unix.PID_FS_MAGIC || unix.Fstat(n, &stat) != nil {
		return p, 0
	}
	return p, stat.Ino
}
