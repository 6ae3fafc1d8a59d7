package cli

import (
	"fmt"
	"syscall"
)

// forbidCoreDumps keeps the secrets in this process's memory out of core files, and
// from other processes of the same user (DESIGN.md, section 8, --allow-core-dumps). It
// sets the limit on core files to 0, soft and hard, and on Linux makes the process
// non-dumpable; see [forbidReading]. A failure is serve's: to go on would be silent.
func forbidCoreDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core files: %w (--allow-core-dumps serves without)", err)
	}
	if err := forbidReading(); err != nil {
		return fmt.Errorf("making the process non-dumpable: %w (--allow-core-dumps serves without)", err)
	}
	return nil
}
