package pluggable

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// peerCredentials returns the user, the group and the process at the other end of a socket
// (SO_PEERCRED, unix(7)). The pid is 0 for a process in another PID namespace. The ids are
// nobody if the kernel does not say.
func peerCredentials(fd int) (uid, gid uint32, pid int32) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return nobody, nobody, 0
	}
	return cred.Uid, cred.Gid, cred.Pid
}

// startTime returns when a process started: field 22 of its stat file (proc(5)). The time is
// 0 if /proc does not say, because it is hidden or belongs to another PID namespace. A zombie
// counts as ended.
func startTime(pid int32) (ticks uint64, alive bool) {
	text, err := statOf(pid)
	if err != nil {
		return 0, unix.Kill(int(pid), 0) != unix.ESRCH
	}
	// The command's name is in parentheses, and may itself contain spaces and parentheses.
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

// statOf returns the stat file of a process. It returns an error if the pids in /proc are not
// those of this PID namespace.
func statOf(pid int32) ([]byte, error) {
	self, err := os.Readlink("/proc/self")
	if err != nil || self != strconv.Itoa(os.Getpid()) {
		return nil, errors.Join(errors.New("/proc has the pids of another PID namespace"), err)
	}
	return os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/stat")
}

// overflowUID returns the user id that stands for all users that this user namespace does not
// map (user_namespaces(7)). It returns false if the namespace maps all users, or if /proc
// does not say.
func overflowUID() (uint32, bool) {
	ids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(ids))
	if len(fields) == 3 && fields[0] == "0" && fields[2] == strconv.FormatUint(nobody, 10) {
		return 0, false
	}
	text, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil {
		return 0, false
	}
	uid, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	return uint32(uid), err == nil
}

// bootID returns the id of the current boot, or "" if the system does not say. A pid or a
// pidfd's inode means nothing after another boot.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
