package cli

import (
	"fmt"
	"syscall"
)

// forbidCoreDumps keeps the secrets in this process's memory out of core files, and away from
// other processes of the same user (DESIGN.md, section 8, --allow-core-dumps). It sets the
// soft and the hard limit on core files to 0. On Linux it also makes the process non-dumpable;
// see [forbidReading]. If it fails, serve fails, because going on would hide the failure.
func forbidCoreDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("forbidding core files: %w (to serve without this protection, use --allow-core-dumps)", err)
	}
	if err := forbidReading(); err != nil {
		return fmt.Errorf("making the process non-dumpable: %w (to serve without this protection, use --allow-core-dumps)", err)
	}
	return nil
}
