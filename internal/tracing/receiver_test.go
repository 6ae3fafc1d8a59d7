package tracing_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// receiver is an OTLP receiver for both protocols.
type receiver struct {
	collector.UnimplementedTraceServiceServer

	mu       sync.Mutex
	spans    map[string]map[string]string // the resource's attributes by the name of a span
	headers  []string                     // x-token of each request
	answer   int                          // HTTP status; 0: 200
	words    string                       // the body of the answer
	requests int
}

// take records a request.
func (r *receiver) take(req *collector.ExportTraceServiceRequest, token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.headers = append(r.headers, token)
	if r.spans == nil {
		r.spans = map[string]map[string]string{}
	}
	for _, of := range req.GetResourceSpans() {
		about := map[string]string{}
		for _, a := range of.GetResource().GetAttributes() {
			about[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.spans[span.GetName()] = about
			}
		}
	}
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var message collector.ExportTraceServiceRequest
	if proto.Unmarshal(body, &message) != nil || req.URL.Path != "/v1/traces" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.take(&message, req.Header.Get("X-Token"))
	if r.answer != 0 {
		w.WriteHeader(r.answer)
		_, _ = io.WriteString(w, r.words)
	}
}

// Export implements the protocol's TraceService.
func (r *receiver) Export(ctx context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	token := ""
	if values := metadata.ValueFromIncomingContext(ctx, "x-token"); len(values) > 0 {
		token = values[0]
	}
	r.take(req, token)
	return &collector.ExportTraceServiceResponse{}, nil
}

// http serves the receiver over HTTP, and returns its address.
func (r *receiver) http(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL
}

// grpc serves the receiver over gRPC, and returns its address.
func (r *receiver) grpc(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, r)
	var serving sync.WaitGroup
	serving.Go(func() { assert.NoError(t, server.Serve(listener)) })
	t.Cleanup(func() { server.Stop(); serving.Wait() })
	return "http://" + listener.Addr().String()
}
