package pluggable

import "golang.org/x/sys/unix"

// isInMemory tells whether a folder is on a file system that no disk holds.
func isInMemory(folder string) (bool, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return false, err
	}
	return s.Type == unix.TMPFS_MAGIC || s.Type == unix.RAMFS_MAGIC, nil
}
