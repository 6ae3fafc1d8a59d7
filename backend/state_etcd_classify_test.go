package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	contrib "github.com/dapr/components-contrib/state/etcd"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

func TestEtcdFailuresAreClassifiedByTheirCodes(t *testing.T) {
	tests := map[error]credential.Kind{
		rpctypes.ErrPermissionDenied:                       credential.Denied,
		rpctypes.ErrInvalidAuthToken:                       credential.Denied,
		rpctypes.ErrUserEmpty:                              credential.Denied,
		rpctypes.ErrAuthFailed:                             credential.Denied,
		rpctypes.ErrNoLeader:                               credential.Unavailable,
		rpctypes.ErrTimeout:                                credential.Unavailable,
		rpctypes.ErrNoSpace:                                credential.Unavailable,
		rpctypes.ErrTooManyRequests:                        credential.Unavailable,
		status.Error(codes.Unavailable, "refused"):         credential.Unavailable,
		status.Error(codes.DeadlineExceeded, "too slow"):   credential.Timeout,
		status.Error(codes.Unauthenticated, "who are you"): credential.Denied,
		context.DeadlineExceeded:                           credential.Timeout,
		errors.New("proto: cannot parse"):                  credential.Unavailable,
	}
	for failure, want := range tests {
		t.Run(failure.Error(), func(t *testing.T) {
			for _, err := range []error{failure, fmt.Errorf("couldn't get key: %w", failure)} {
				got := classifyEtcd(err)
				storetest.RequireKind(t, want, got)
				require.ErrorIs(t, got, failure)
			}
		})
	}
}

func TestEtcdThatRefusesTheProbeIsConnected(t *testing.T) {
	for _, err := range []error{nil, rpctypes.ErrPermissionDenied, errors.New("proto: cannot parse")} {
		require.True(t, etcdAnswered(err), "%v", err)
	}
	for _, err := range []error{
		rpctypes.ErrUserEmpty, rpctypes.ErrNoLeader, context.DeadlineExceeded, context.Canceled,
		&credential.StoreError{Kind: credential.Unavailable, Err: errUnreachable},
	} {
		require.False(t, etcdAnswered(err), "%v", err)
	}
}

func TestEtcdCallEndsIfNoEndpointListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	endpoint := listener.Addr().String()
	hang := func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }

	ctx, cancel := context.WithTimeout(t.Context(), 2*etcdPatience)
	defer cancel()
	_, err = whileReachable(ctx, []string{endpoint}, hang)
	storetest.RequireKind(t, credential.Timeout, err, "a server that listens but hangs is a Timeout")

	require.NoError(t, listener.Close())
	_, err = whileReachable(t.Context(), []string{endpoint}, hang)
	require.ErrorIs(t, err, errUnreachable)
	storetest.RequireKind(t, credential.Unavailable, err)
}

func TestEtcdMetadataAreCheckedBeforeItConnects(t *testing.T) {
	tests := map[string]struct {
		fields map[string]string
		want   string
	}{
		"not a whole number":                 {map[string]string{"maxTxnOps": "many"}, "not a whole number"},
		"an unused certificate":              {map[string]string{"cert": "canary"}, "tlsEnable"},
		"half of a certificate":              {map[string]string{"tlsEnable": "true", "cert": "canary"}, "needs ca, cert and key"},
		"an authority that is not PEM":       {map[string]string{"tlsEnable": "true", "ca": "canary", "cert": "canary", "key": "canary"}, "PEM"},
		"a field that contrib does not have": {map[string]string{"password": "canary"}, "not a metadata field"},
		"a misspelt field":                   {map[string]string{"endpoint": "canary"}, `"endpoints"`},
		"no server":                          {map[string]string{"endpoints": ""}, "name the servers"},
		"a misspelt field, the nearest one":  {map[string]string{"tlsEnabled": "true"}, `"tlsEnable"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fields := map[string]string{"endpoints": "etcd.example:2379"}
			for field, value := range test.fields {
				fields[field] = value
			}
			_, _, err := store.Lookup(store.Spec{Label: "configStore", Type: "state.etcd/v2", Fields: fields}, configStores())
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "canary")
		})
	}
}

func TestEndpointsOfEtcdAreDialledWithoutTheirScheme(t *testing.T) {
	object := newEtcdStore(contrib.NewEtcdStateStoreV2(storetest.DevNull(t)), map[string]string{
		"Endpoints": "etcd-1:2379, https://etcd-2:2379,http://etcd-3:2379",
	})
	require.Equal(t, []string{"etcd-1:2379", "etcd-2:2379", "etcd-3:2379"}, object.endpoints)
}
