package backend

import (
	"syscall"
	"time"
)

// statusChange returns when a file or its status changed last.
func statusChange(s *syscall.Stat_t) time.Time { return time.Unix(s.Ctimespec.Unix()) }
