package pluggable

import (
	"fmt"
	"math"
	"net"
	"sync/atomic"
)

// process identifies the process at the other end of a connection, by what the
// kernel says of it (DESIGN.md, section 1). Equal values are the same process.
//
// Besides the user and the group, one thing identifies it: pid and start where the
// process is visible, pidfd where it is in another PID namespace, and connection
// where the kernel says neither. With [Options.SingleDaprd] the user alone does.
type process struct {
	uid, gid   uint32
	pid        int32
	start      uint64 // in the system's own unit
	pidfd      uint64 // the inode of the process's pidfd; no other process has it until the next boot
	connection uint64 // a number that this server gave
}

// String returns the process as a log shows it.
func (p process) String() string {
	switch {
	case p.pid != 0:
		return fmt.Sprintf("pid %d (uid %d)", p.pid, p.uid)
	case p.pidfd != 0:
		return fmt.Sprintf("a process of another PID namespace (uid %d, pidfd inode %d)", p.uid, p.pidfd)
	case p.connection != 0:
		return fmt.Sprintf("a process of another PID namespace (uid %d, connection %d)", p.uid, p.connection)
	default:
		return fmt.Sprintf("the one daprd of uid %d", p.uid)
	}
}

// id returns the process as a text that no other process has.
func (p process) id() string {
	return fmt.Sprintf("%d-%d-%d-%d-%d-%d", p.uid, p.gid, p.pid, p.start, p.pidfd, p.connection)
}

// lasting tells whether the process is recognised when it connects again.
func (p process) lasting() bool { return p.connection == 0 }

// ended tells whether a process without a connection is known to have ended. end is
// its pidfd, or noPidfd.
func (p process) ended(end pidfd) bool {
	switch {
	case p.pid != 0:
		start, alive := startTime(p.pid)
		return !alive || start != 0 && start != p.start
	case p.connection != 0:
		return true
	default:
		return end.ended()
	}
}

// identifier identifies the processes that connect.
type identifier struct {
	single bool          // all processes of one user are one daprd
	last   atomic.Uint64 // the last number that a connection was given
}

// identify asks the kernel which process is at the other end. The pidfd is noPidfd
// unless it is what identifies the process; the caller closes it.
func (i *identifier) identify(c net.Conn) (process, pidfd) {
	p, end := process{uid: nobody, gid: nobody}, noPidfd
	control(c, func(fd int) { p, end = i.peerOf(fd) })
	if p == (process{uid: p.uid, gid: p.gid}) && !i.single {
		p.connection = i.last.Add(1)
	}
	return p, end
}

// nobody is the number of no user and no group, chown(2).
const nobody = math.MaxUint32

// userOf returns the user at the other end; nobody if the kernel does not say.
func userOf(c net.Conn) uint32 {
	uid := uint32(nobody)
	control(c, func(fd int) { uid, _, _ = peerCredentials(fd) })
	return uid
}

// control runs fn on the descriptor of a unix socket. It does nothing for any other
// connection.
func control(c net.Conn, fn func(fd int)) {
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return
	}
	if raw, err := socket.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { fn(int(fd)) })
	}
}

// peerOf identifies the process at the other end of a socket, as far as the kernel
// says which it is.
func (i *identifier) peerOf(fd int) (process, pidfd) {
	uid, gid, pid := peerCredentials(fd)
	if i.single {
		return process{uid: uid}, noPidfd
	}
	p := process{uid: uid, gid: gid}
	end, inode := peerPidfd(fd)
	if pid != 0 {
		// The start time is the peer's only if the peer still runs: else another
		// process may have its pid by now.
		if start, alive := startTime(pid); alive && start != 0 && !end.ended() {
			end.close()
			p.pid, p.start = pid, start
			return p, noPidfd
		}
	}
	if inode == 0 {
		end.close()
		return p, noPidfd
	}
	p.pidfd = inode
	return p, end
}
