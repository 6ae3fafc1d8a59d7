package pluggable

import (
	"golang.org/x/sys/unix"
)

// peerCredentials returns the user, the group and the process at the other end of a socket
// (LOCAL_PEERCRED and LOCAL_PEERPID, unix(4)). The ids are nobody and the pid is 0 if the
// kernel does not say.
func peerCredentials(fd int) (uid, gid uint32, pid int32) {
	cred, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return nobody, nobody, 0
	}
	n, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	if err != nil {
		n = 0
	}
	return cred.Uid, cred.Groups[0], int32(n)
}

// startTime returns when a process started, in microseconds of the system's clock. A zombie
// counts as ended.
func startTime(pid int32) (microseconds uint64, alive bool) {
	const zombie = 5 // SZOMB, sys/proc.h
	info, err := unix.SysctlKinfoProc("kern.proc.pid", int(pid))
	if err != nil {
		return 0, false
	}
	start := info.Proc.P_starttime
	return uint64(start.Sec)*1e6 + uint64(start.Usec), info.Proc.P_stat != zombie
}

// overflowUID returns false: macOS has no user namespaces.
func overflowUID() (uint32, bool) { return 0, false }

// bootID returns the id of the current boot, or "" if the system does not say.
func bootID() string {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return ""
	}
	return id
}
