package pluggable

import "golang.org/x/sys/unix"

// peerPID returns the process at the other end of a socket: LOCAL_PEERPID,
// unix(4). 0 is one that cannot be told.
func peerPID(fd int) int32 {
	pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	if err != nil {
		return 0
	}
	return int32(pid)
}

// startTime reads when a process started, in microseconds of the system's clock.
// A zombie has ended.
func startTime(pid int32) (microseconds uint64, alive bool) {
	const zombie = 5 // SZOMB, sys/proc.h
	info, err := unix.SysctlKinfoProc("kern.proc.pid", int(pid))
	if err != nil {
		return 0, false
	}
	start := info.Proc.P_starttime
	return uint64(start.Sec)*1e6 + uint64(start.Usec), info.Proc.P_stat != zombie
}
