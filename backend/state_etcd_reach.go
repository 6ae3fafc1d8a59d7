package backend

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"

	"credential-resolver/resolver/credential"
)

// etcdStore is contrib's store without the long retries of its client. The client tries an
// unreachable server for 2.5 s or more before it gives up. If the call's deadline passes
// before that, an unreachable server looks the same as one that hangs.
type etcdStore struct {
	state.Store
	state.KeysLiker

	endpoints []string // as host:port
}

func newEtcdStore(store state.Store, fields map[string]string) *etcdStore {
	given, _ := metadata.GetMetadataProperty(fields, "endpoints")
	s := &etcdStore{Store: store, KeysLiker: store.(state.KeysLiker)}
	for endpoint := range strings.SplitSeq(given, ",") {
		if _, address, ok := strings.Cut(endpoint, "://"); ok {
			endpoint = address
		}
		s.endpoints = append(s.endpoints, strings.TrimSpace(endpoint))
	}
	return s
}

// Get implements state.Store.
func (s *etcdStore) Get(ctx context.Context, req *state.GetRequest) (*state.GetResponse, error) {
	return whileReachable(ctx, s.endpoints, func(ctx context.Context) (*state.GetResponse, error) {
		return s.Store.Get(ctx, req)
	})
}

// KeysLike implements state.KeysLiker.
func (s *etcdStore) KeysLike(ctx context.Context, req *state.KeysLikeRequest) (*state.KeysLikeResponse, error) {
	return whileReachable(ctx, s.endpoints, func(ctx context.Context) (*state.KeysLikeResponse, error) {
		return s.KeysLiker.KeysLike(ctx, req)
	})
}

// etcdPatience is how long a call may take before the endpoints are checked for reachability.
const etcdPatience = 100 * time.Millisecond

var errUnreachable = credential.Remedy("none of the endpoints accepts connections")

// whileReachable calls a server, and stops once every endpoint refuses connections.
func whileReachable[T any](
	ctx context.Context, endpoints []string, call func(context.Context) (T, error),
) (T, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	looking := time.AfterFunc(etcdPatience, func() {
		if refused(ctx, endpoints) {
			cancel(errUnreachable)
		}
	})
	defer looking.Stop()
	value, err := call(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errUnreachable) {
		return value, &credential.StoreError{Kind: credential.Unavailable, Err: errUnreachable}
	}
	return value, err
}

// refused reports whether every endpoint refuses connections. An endpoint that does not answer
// at all hangs; the call's own deadline handles that.
func refused(ctx context.Context, endpoints []string) bool {
	for _, endpoint := range endpoints {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", endpoint)
		if err == nil {
			_ = conn.Close()
			return false
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return true
}
