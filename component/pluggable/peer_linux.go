package pluggable

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// peerPID returns the process at the other end of a socket: SO_PEERCRED, unix(7).
// 0 is one in another pid namespace.
func peerPID(fd int) int32 {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return cred.Pid
}

// startTime reads when a process started: field 22 of its stat file (proc(5)). A
// zombie has ended.
func startTime(pid int32) (ticks uint64, alive bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/stat")
	if err != nil {
		// Where /proc is hidden a process of another user has no entry, and lives.
		return 0, !errors.Is(unix.Kill(int(pid), 0), unix.ESRCH)
	}
	// The command's name, in parentheses, may hold spaces and parentheses.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return 0, true
	}
	ticks, err = strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return 0, true
	}
	return ticks, fields[0] != "Z" && fields[0] != "X"
}
