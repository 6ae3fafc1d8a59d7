package pluggable

import (
	"fmt"
	"math"
	"net"
	"sync/atomic"
)

// process identifies the process at the other end of a connection, by what the kernel says
// about it (DESIGN.md, section 1). Equal values are the same process.
//
// Besides uid and gid, one thing identifies it: pid and start if the process is visible,
// pidfd if it is in another PID namespace, or connection if the kernel gives neither. With
// [Options.SingleDaprd], uid alone identifies it.
type process struct {
	uid, gid   uint32
	pid        int32
	start      uint64 // start time, in the system's own unit
	pidfd      uint64 // inode of the process's pidfd; no other process has it until the next boot
	connection uint64 // a number that this server assigned
}

// String returns a description of the process for the log.
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

// id returns an id of the process that no other process has.
func (p process) id() string {
	return fmt.Sprintf("%d-%d-%d-%d-%d-%d", p.uid, p.gid, p.pid, p.start, p.pidfd, p.connection)
}

// lasting reports whether the process is recognised when it connects again.
func (p process) lasting() bool { return p.connection == 0 }

// ended reports whether a process that has no connection is known to have ended. end is the
// pidfd of the process, or noPidfd.
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
	single bool          // whether all processes of one user are one daprd
	last   atomic.Uint64 // the last number assigned to a connection
}

// identify asks the kernel which process is at the other end. It also returns the pidfd of the
// process, which the caller closes. That is noPidfd unless the pidfd identifies the process.
func (i *identifier) identify(c net.Conn) (process, pidfd) {
	p, end := process{uid: nobody, gid: nobody}, noPidfd
	control(c, func(fd int) { p, end = i.peerOf(fd) })
	if p == (process{uid: p.uid, gid: p.gid}) && !i.single {
		p.connection = i.last.Add(1)
	}
	return p, end
}

// nobody is an id that no user and no group has (chown(2)).
const nobody = math.MaxUint32

// userOf returns the user at the other end, or nobody if the kernel does not say.
func userOf(c net.Conn) uint32 {
	uid := uint32(nobody)
	control(c, func(fd int) { uid, _, _ = peerCredentials(fd) })
	return uid
}

// control runs fn with the descriptor of a unix socket. It does nothing for any other
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

// peerOf identifies the process at the other end of a socket, as far as the kernel says which
// process it is.
func (i *identifier) peerOf(fd int) (process, pidfd) {
	uid, gid, pid := peerCredentials(fd)
	if i.single {
		return process{uid: uid}, noPidfd
	}
	p := process{uid: uid, gid: gid}
	end, inode := peerPidfd(fd)
	if pid != 0 {
		// The start time belongs to the peer only if the peer still runs. Otherwise another
		// process may already have its pid.
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
