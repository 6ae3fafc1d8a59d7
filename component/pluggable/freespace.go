package pluggable

import (
	"errors"
	"math"

	"golang.org/x/sys/unix"
)

// reservedForRecords is the space that answers leave free on their file system, in bytes.
// Without an answer a request may fail in an outage, but without its record an instance is
// lost.
const reservedForRecords = maxState

// freeSpace returns how many bytes can still be written to the file system of a folder. If
// that is unknown or not limited, it returns math.MaxInt64.
func freeSpace(folder string) int64 {
	var s unix.Statfs_t
	if unix.Statfs(folder, &s) != nil || s.Blocks == 0 { // a tmpfs without a limit reports 0
		return math.MaxInt64
	}
	return int64(min(s.Bavail, math.MaxInt64/uint64(s.Bsize))) * int64(s.Bsize) //nolint:gosec,unconvert // its type is the system's
}

// errNoSpace is returned when an answer would use the space that is reserved for records.
var errNoSpace = errors.New("the file system is full: the rest is reserved for the records of instances")

// makeRoom keeps reservedForRecords free when a file of size bytes is written. It removes the
// oldest answers for that. It returns errNoSpace if that is not enough.
func (a *answers) makeRoom(size int64) error {
	short := func() int64 { return reservedForRecords + size - a.free(a.root.Load().Path()) }
	need := short()
	if need <= 0 {
		return nil
	}
	a.mu.Lock()
	evicted := a.index.evictBytes(need)
	a.mu.Unlock()
	for _, path := range evicted {
		a.unlink(path)
	}
	if short() > 0 {
		return errNoSpace
	}
	return nil
}
