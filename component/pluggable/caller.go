package pluggable

import "context"

// Caller is the process that made a call, as the kernel tells.
type Caller struct {
	UID uint32
	// PID is 0 if the process is in another PID namespace.
	PID int32
}

// CallerOf returns the process that made the call of ctx. It returns false if ctx is not that of
// a call over this package's socket.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := connectionOf(ctx)
	if !ok {
		return Caller{}, false
	}
	return Caller{UID: c.peer.uid, PID: c.pid}, true
}
