package pluggable

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// checkInMemory returns an error if a folder is on a disk, or would be created on one.
func checkInMemory(folder string) error {
	for existing := folder; ; existing = filepath.Dir(existing) {
		inMemory, err := isInMemory(existing)
		switch {
		case errors.Is(err, fs.ErrNotExist) && existing != filepath.Dir(existing):
		case err != nil:
			return fmt.Errorf("finding the file system of %s: %w", existing, err)
		case !inMemory:
			return fmt.Errorf("%s is not on a file system in memory (tmpfs), but metadata may hold secrets", folder)
		default:
			return nil
		}
	}
}
