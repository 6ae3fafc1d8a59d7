package pluggable

import (
	"time"

	"golang.org/x/sys/unix"
)

// systemMoments returns a clock that nobody can set and that also counts while the system
// sleeps. If that clock or the boot's id cannot be read, it returns the wall clock's time.
func systemMoments() moments {
	boot := bootID()
	return func() moment {
		var since unix.Timespec
		if boot == "" || unix.ClockGettime(unix.CLOCK_BOOTTIME, &since) != nil {
			return moment{"", time.Now().UnixNano()}
		}
		return moment{boot, since.Nano()}
	}
}
