package pluggable

import (
	"context"
	"fmt"
	"os"
	"slices"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/dapr/kit/logger"
)

// allowedUsers returns the ids of the users that may call: this process's user, root and
// more (DESIGN.md, section 9).
func allowedUsers(more []uint32) []uint32 {
	return append([]uint32{0, uint32(os.Geteuid())}, more...) //nolint:gosec // a user id has 32 bits
}

// access refuses the calls of users that may not call, before anything of a call is read.
// Calls to the reflection service are refused too. access does not close the connection at
// the first refused call, because daprd would then hang without an error. It closes the
// connection after maxRefusedCalls.
type access struct {
	log     logger.Logger
	refuse  rate.Sometimes // limits how often the warning is logged
	refused func(context.Context, RefusedCall)
}

func newAccess(log logger.Logger, refused func(context.Context, RefusedCall)) *access {
	return &access{log: log, refuse: rate.Sometimes{Interval: warnInterval}, refused: refused}
}

// check is a [tap.ServerInHandle]. A refused call fails with the gRPC code PermissionDenied.
func (a *access) check(ctx context.Context, info *tap.Info) (context.Context, error) {
	c, ok := connectionOf(ctx)
	switch {
	case !ok:
		return nil, errNoPeer
	case c.allowed:
		return ctx, nil
	}
	if c.refused.Add(1) >= maxRefusedCalls {
		_ = c.Conn.Close()
	}
	a.refuse.Do(func() { a.log.Warnf("calls from %s are refused: --allow-uid %d would allow them", c.peer, c.peer.uid) })
	if a.refused != nil {
		a.refused(ctx, RefusedCall{Method: info.FullMethodName, Code: codes.PermissionDenied, Stranger: true})
	}
	return nil, status.Errorf(codes.PermissionDenied,
		"this component answers only uid %d, root and the users of --allow-uid, but the caller is uid %d; "+
			"if the caller is daprd, start the component with --allow-uid %[2]d, or run both as the same user", os.Geteuid(), c.peer.uid)
}

// checkUsers returns an error if the overflow user may call. That id stands for all users
// that the user namespace does not map.
func checkUsers(allowed []uint32) error {
	uid, ok := overflowUID()
	if !ok || !slices.Contains(allowed, uid) {
		return nil
	}
	return fmt.Errorf("uid %d stands for all users that this user namespace does not map, so all of them could call: "+
		"run as another user, or remove the uid from --allow-uid", uid)
}
