package pluggable_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"

	"credential-resolver/component/pluggable"
)

// refusedCalls records the calls that reach no instance.
type refusedCalls struct {
	mu      sync.Mutex
	calls   []pluggable.RefusedCall
	callers []pluggable.Caller
}

func (r *refusedCalls) record(ctx context.Context, call pluggable.RefusedCall) {
	r.mu.Lock()
	defer r.mu.Unlock()
	caller, _ := pluggable.CallerOf(ctx)
	r.calls, r.callers = append(r.calls, call), append(r.callers, caller)
}

func (r *refusedCalls) all() ([]pluggable.RefusedCall, []pluggable.Caller) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls, r.callers
}

func TestRequestsThatReachNoInstanceAreReported(t *testing.T) {
	refused := &refusedCalls{}
	var caller pluggable.Caller
	stores := &echoes{get: func(ctx context.Context, _ secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
		caller, _ = pluggable.CallerOf(ctx)
		return secretstores.GetSecretResponse{}, status.Error(codes.NotFound, "none")
	}}
	s := serve(t, stores, func(o *pluggable.Options) { o.Refused = refused.record })
	early := connect(t, s)
	_, err := early.Features(as("c"), &proto.FeaturesRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = early.get("c")
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = early.BulkGet(as("c"), &proto.BulkGetSecretRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.NoError(t, early.initialise("c"))
	_, err = early.get("c")
	require.Equal(t, codes.NotFound, status.Code(err), "the store answered")

	calls, callers := refused.all()
	assert.Equal(t, []pluggable.RefusedCall{
		{Method: proto.SecretStore_Get_FullMethodName, Component: "c", Key: "hello", Code: codes.Unavailable},
		{Method: proto.SecretStore_BulkGet_FullMethodName, Component: "c", Code: codes.Unavailable},
	}, calls)
	us := pluggable.Caller{UID: uint32(os.Geteuid()), PID: int32(os.Getpid())}
	assert.Equal(t, []pluggable.Caller{us, us}, callers)
	assert.Equal(t, us, caller)
}

func TestTheCallsOfStrangersAreReported(t *testing.T) {
	refused := &refusedCalls{}
	s := newServer(t, &echoes{}, func(o *pluggable.Options) { o.Refused = refused.record })
	s.RefuseEverybody()
	s.start()
	require.NoError(t, s.AwaitSocket())
	t.Cleanup(s.End)
	stranger := connect(t, s)
	require.Error(t, stranger.initialise("c"))
	_, err := stranger.get("c")
	require.Error(t, err)
	calls, callers := refused.all()
	assert.Equal(t, []pluggable.RefusedCall{
		{Method: proto.SecretStore_Init_FullMethodName, Code: codes.PermissionDenied, Stranger: true},
		{Method: proto.SecretStore_Get_FullMethodName, Code: codes.PermissionDenied, Stranger: true},
	}, calls)
	assert.EqualValues(t, os.Getpid(), callers[0].PID)
}

// With SingleDaprd, the pid does not identify the daprd, but it is known.
func TestTheOnlyDaprdHasAPidToo(t *testing.T) {
	var caller pluggable.Caller
	stores := &echoes{get: func(ctx context.Context, _ secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
		caller, _ = pluggable.CallerOf(ctx)
		return secretstores.GetSecretResponse{}, nil
	}}
	s := serve(t, stores, func(o *pluggable.Options) { o.SingleDaprd = true })
	_, err := get(initialise(t, s, "c", nil), "x")
	require.NoError(t, err)
	assert.EqualValues(t, os.Getpid(), caller.PID)
	_, ok := pluggable.CallerOf(t.Context())
	assert.False(t, ok)
}
