package aws

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

// reply is an answer of a service.
type reply struct {
	status int
	body   string
}

// service is an AWS service that gives one answer, and keeps what it was asked.
type service struct {
	URL string

	mu     sync.Mutex
	script []reply // the next answers; none: always the same answer
	status int
	body   string
	answer http.Header    // of its answer
	target string         // the header that names the operation
	asked  map[string]any // the last request
	header http.Header    // of the last request
	uri    string         // of the last request, with its query
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
	s.target, s.header, s.uri, s.asked = r.Header.Get("X-Amz-Target"), r.Header, r.RequestURI, nil
	_ = json.NewDecoder(r.Body).Decode(&s.asked)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	maps.Copy(w.Header(), s.answer)
	next := reply{s.status, s.body}
	if len(s.script) > 0 {
		next, s.script = s.script[0], s.script[1:]
	}
	w.WriteHeader(next.status)
	_, _ = io.WriteString(w, next.body)
}

// said is the body of an error, as the JSON protocol 1.1 writes it.
func said(code, text string) string { return fmt.Sprintf(`{"__type":%q,"message":%q}`, code, text) }

// connected connects to a store with static keys. It closes the store at the end of the test.
func connected[C io.Closer](t *testing.T, of store.Type[C], fields map[string]string) C {
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
