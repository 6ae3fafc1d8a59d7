package pluggable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// checkInMemory refuses a folder that is, or would be made, on a disk.
func checkInMemory(folder string) error {
	for existing := folder; ; existing = filepath.Dir(existing) {
		inMemory, err := isInMemory(existing)
		switch {
		case errors.Is(err, fs.ErrNotExist) && existing != filepath.Dir(existing):
		case err != nil:
			return fmt.Errorf("asking for the file system of %s: %w", existing, err)
		case !inMemory:
			return fmt.Errorf("%s is not on a file system in memory (tmpfs), and metadata may hold secrets", folder)
		default:
			return nil
		}
	}
}

// checkOwner refuses what is no folder, or belongs to a user that is none of those
// that may own it.
func checkOwner(path string, owners ...int) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || !slices.Contains(owners, int(owner.Uid)) {
		return fmt.Errorf("%s is not a folder of this process's user: remove it, or name another", path)
	}
	return nil
}
