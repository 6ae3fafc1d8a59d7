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

// allowedUsers returns the users whose calls are answered (DESIGN.md, section 9): our
// own, root, and more.
func allowedUsers(more []uint32) []uint32 {
	return append([]uint32{0, uint32(os.Geteuid())}, more...) //nolint:gosec // a user id has 32 bits
}

// access refuses the calls of other users, reflection's included, before anything of a
// call is read. It does not close a connection at the first call: daprd would then wait
// without a word. It closes one after maxRefusedCalls.
type access struct {
	log    logger.Logger
	refuse rate.Sometimes // a warning
}

func newAccess(log logger.Logger) *access {
	return &access{log: log, refuse: rate.Sometimes{Interval: warnInterval}}
}

// check is gRPC's [tap.ServerInHandle].
func (a *access) check(ctx context.Context, _ *tap.Info) (context.Context, error) {
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
	a.refuse.Do(func() { a.log.Warnf("calls of %s are refused: --allow-uid %d would allow them", c.peer, c.peer.uid) })
	return nil, status.Errorf(codes.PermissionDenied,
		"this component answers uid %d, root and those that --allow-uid names: the caller is uid %d; "+
			"if it is daprd, start the component with --allow-uid %[2]d, or run both as the same user", os.Geteuid(), c.peer.uid)
}

// checkUsers fails if one of the users that may call stands for several.
func checkUsers(allowed []uint32) error {
	uid, ok := overflowUID()
	if !ok || !slices.Contains(allowed, uid) {
		return nil
	}
	return fmt.Errorf("uid %d stands for every user that this user namespace does not map, and would let all of them call: "+
		"run as another user, or do not name it by --allow-uid", uid)
}
