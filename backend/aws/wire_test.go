package aws

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

// service is an AWS service that gives one answer, and keeps what it was asked.
type service struct {
	URL string

	mu     sync.Mutex
	status int
	body   string
	target string         // the header that names the operation
	asked  map[string]any // the last request
	header http.Header    // of the last request
}

func newService(t *testing.T, status int, body string) *service {
	t.Helper()
	s := &service{status: status, body: body}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target, s.header, s.asked = r.Header.Get("X-Amz-Target"), r.Header, nil
	_ = json.NewDecoder(r.Body).Decode(&s.asked)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

// refusal is the body of an error, as the JSON protocol 1.1 writes it.
func said(code, text string) string { return fmt.Sprintf(`{"__type":%q,"message":%q}`, code, text) }

// connected connects to a store with static keys. It closes the store at the end of the test.
func connected(t *testing.T, of store.Type[store.SecretConn], fields map[string]string) store.SecretConn {
	t.Helper()
	for name, value := range map[string]string{"region": "eu-west-1", "accessKey": "AKIACANARY", "secretKey": "canary-key"} {
		if fields[name] == "" {
			fields[name] = value
		}
	}
	require.NoError(t, of.Prepare(fields))
	conn, err := of.Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
