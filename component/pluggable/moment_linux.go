package pluggable

import (
	"time"

	"golang.org/x/sys/unix"
)

// systemMoments returns a clock that nobody sets, and that counts while the system
// sleeps.
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
