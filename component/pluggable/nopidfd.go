//go:build !linux || nopidfd

package pluggable

// peerPidfd returns noPidfd: this system has no pidfds.
func peerPidfd(int) (pidfd, uint64) { return noPidfd, 0 }
