package pluggable

import "golang.org/x/sys/unix"

// isInMemory reports whether a folder is on a file system in memory: tmpfs or ramfs.
func isInMemory(folder string) (bool, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return false, err
	}
	return s.Type == unix.TMPFS_MAGIC || s.Type == unix.RAMFS_MAGIC, nil
}
