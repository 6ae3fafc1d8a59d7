package pluggable_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/secretstores"
	proto "github.com/dapr/dapr/pkg/proto/components/v1"

	"credential-resolver/component/pluggable"
)

func TestInstancesOfOnePeerAreBounded(t *testing.T) {
	stores := &echoes{}
	s := serve(t, stores, nil)
	c := connect(t, s)
	for i := range pluggable.MaxPeerInstances {
		require.NoError(t, c.initialise(fmt.Sprint("c", i)))
	}
	err := c.initialise("one more")
	assert.Equal(t, codes.ResourceExhausted, status.Code(err), err)
	assert.Equal(t, pluggable.MaxPeerInstances, stores.open())

	require.NoError(t, c.initialise("c0"), "an existing instance can be replaced")
	echo, err := c.get("c7")
	require.NoError(t, err)
	assert.Equal(t, "HELLO", echo)
}

func TestTheMetadataOfOneInitIsBounded(t *testing.T) {
	stores := &echoes{}
	c := connect(t, serve(t, stores, nil))
	initialise := func(size int) error {
		_, err := c.Init(as("c"), &proto.SecretStoreInitRequest{Metadata: &proto.MetadataRequest{
			Properties: map[string]string{"value": strings.Repeat("x", size-len("c")-len("value"))},
		}})
		return err
	}
	require.NoError(t, initialise(pluggable.MaxInit))
	err := initialise(pluggable.MaxInit + 1)
	assert.Equal(t, codes.ResourceExhausted, status.Code(err), err)
	assert.Contains(t, err.Error(), "name files instead")
	assert.Equal(t, 1, stores.inits())
}

func TestTheBytesOfAPeersStateAreBounded(t *testing.T) {
	m := newMachine(t)
	s := m.start(t, &echoes{})
	c := connect(t, s)
	large := strings.Repeat("x", pluggable.MaxInit-100)
	for i := range pluggable.MaxPeerState/len(large) + 2 {
		_, err := c.Init(as(fmt.Sprint("c", i)), &proto.SecretStoreInitRequest{Metadata: &proto.MetadataRequest{
			Properties: map[string]string{"value": large},
		}})
		require.NoError(t, err, "an instance that is not remembered works")
	}
	total := int64(0)
	for _, path := range m.files(t) {
		info, err := os.Stat(path)
		require.NoError(t, err)
		total += info.Size()
	}
	assert.LessOrEqual(t, total, int64(pluggable.MaxPeerState))
	assert.Greater(t, total, int64(pluggable.MaxPeerState-pluggable.MaxInit), "the instances that fit must be remembered")
	assert.Contains(t, s.log.String(), "will not outlive this process")
}

func TestConnectionsOfOnePeerAreBounded(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	c := connect(t, s)
	require.NoError(t, c.initialise("c"))
	for range pluggable.MaxPeerConnections - 1 {
		require.False(t, closes(t, s))
	}
	assert.True(t, closes(t, s), "one connection more is closed")
	assert.Contains(t, s.log.String(), "too many connections")
	echo, err := c.get("c")
	require.NoError(t, err)
	assert.Equal(t, "HELLO", echo, "the existing connections keep working")
}

func TestAConnectionThatSaysNothingIsClosed(t *testing.T) {
	t.Parallel()
	s := serve(t, &echoes{}, nil)
	c, err := net.Dial("unix", s.socket)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.SetDeadline(time.Now().Add(2*patience)))
	_, err = io.Copy(io.Discard, c) // until the server closes it
	require.NoError(t, err)
}

// TestRefusedCallsTakeNoMemory sends calls from a refused user that never reads an
// answer. gRPC's own limits do not count calls that are refused early.
func TestRefusedCallsTakeNoMemory(t *testing.T) {
	s := serveNobody(t, &echoes{})
	c, err := net.Dial("unix", s.socket)
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	require.NoError(t, err)
	framer := http2.NewFramer(c, nil)
	require.NoError(t, framer.WriteSettings())
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", proto.SecretStore_Ping_FullMethodName},
		{":authority", "x"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}))
	}
	refused := 0
	for ; err == nil && refused < 100_000; refused++ {
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(patience)))
		err = framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: uint32(2*refused + 1), BlockFragment: block.Bytes(), EndHeaders: true,
		})
	}
	require.Error(t, err, "the server closes the connection or stops reading from it")
}

func TestConnectionsOfRefusedUsersAreBounded(t *testing.T) {
	s := serveNobody(t, &echoes{})
	for range pluggable.MaxRefusedConnections {
		require.False(t, closes(t, s))
	}
	assert.True(t, closes(t, s), "one connection more is closed")
	assert.Contains(t, s.log.String(), "too many connections")
}

// closes opens a connection and reports whether the server closes it before it sends anything.
func closes(t *testing.T, s *running) bool {
	t.Helper()
	c, err := net.Dial("unix", s.socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	// The client preface and an empty SETTINGS frame. The server answers with its own.
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = c.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	if err != nil {
		return true
	}
	_, err = c.Read(make([]byte, 1))
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the server neither answers nor closes")
	return err != nil
}

func TestHeadersOfOneCallAreBounded(t *testing.T) {
	s := serve(t, &echoes{}, nil)
	c := connect(t, s)
	require.NoError(t, c.initialise("c"))
	ctx := metadata.AppendToOutgoingContext(as("c"), "filler", strings.Repeat("x", pluggable.MaxHeaders))
	_, err := c.Get(ctx, &proto.GetSecretRequest{Key: "hello"})
	require.Error(t, err)
	echo, err := c.get("c")
	require.NoError(t, err)
	assert.Equal(t, "HELLO", echo)
}

// TestCallsOnOneConnectionAreBounded starts more calls than may run at a time. The client
// queues the rest.
func TestCallsOnOneConnectionAreBounded(t *testing.T) {
	release := make(chan struct{})
	began := make(chan struct{}, 2*pluggable.MaxStreams)
	s := serve(t, &echoes{get: func(context.Context, secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error) {
		began <- struct{}{}
		<-release
		return secretstores.GetSecretResponse{Data: map[string]string{"echo": "X"}}, nil
	}}, nil)
	c := connect(t, s)
	require.NoError(t, c.initialise("c"))
	results := make(chan error, pluggable.MaxStreams+50)
	for range cap(results) {
		go func() {
			_, err := c.get("c")
			results <- err
		}()
	}
	for range pluggable.MaxStreams {
		<-began
	}
	assert.Empty(t, began, "no more calls may run at a time")
	close(release)
	for range cap(results) {
		require.NoError(t, <-results, "no call is lost")
	}
}
