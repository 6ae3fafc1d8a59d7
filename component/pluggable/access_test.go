package pluggable_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

// TestAnotherUserIsRefused uses a server that refuses this process's own user, so that the test
// does not need a second user. The end-to-end tests use a real one.
func TestAnotherUserIsRefused(t *testing.T) {
	stores := &echoes{}
	s := serveNobody(t, stores)
	stranger := connect(t, s)
	calls := map[string]func() error{
		"Init": func() error { return stranger.initialise("c") },
		"Get":  func() error { _, err := stranger.get("c"); return err },
		"BulkGet": func() error {
			_, err := stranger.BulkGet(as("c"), &proto.BulkGetSecretRequest{})
			return err
		},
		"Features": func() error { _, err := stranger.Features(as("c"), &proto.FeaturesRequest{}); return err },
		"Ping":     func() error { _, err := stranger.Ping(as("c"), &proto.PingRequest{}); return err },
		"an unknown method": func() error {
			return stranger.Invoke(context.Background(), "/no.such.Service/Call", &proto.PingRequest{}, &proto.PingResponse{})
		},
		"reflection": func() error {
			stream, err := reflectionpb.NewServerReflectionClient(stranger).ServerReflectionInfo(context.Background())
			require.NoError(t, err)
			_, err = stream.Recv()
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			err := call()
			assert.Equal(t, codes.PermissionDenied, status.Code(err), err)
			assert.Contains(t, status.Convert(err).Message(), "--allow-uid")
		})
	}
	assert.Zero(t, stores.inits(), "the metadata of a refused Init must not be read")
	assert.Contains(t, s.log.String(), "are refused: --allow-uid")
}

// serveNobody starts a server that refuses every user.
func serveNobody(t *testing.T, stores *echoes) *running {
	t.Helper()
	s := newServer(t, stores, nil)
	s.RefuseEverybody()
	s.start()
	require.NoError(t, s.AwaitSocket())
	t.Cleanup(s.End)
	return s
}
