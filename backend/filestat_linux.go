package backend

import (
	"syscall"
	"time"
)

// statusChange returns the time of the last change to a file or its status (ctime).
func statusChange(s *syscall.Stat_t) time.Time { return time.Unix(s.Ctim.Unix()) }
