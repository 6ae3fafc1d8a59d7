package azure

import (
	"errors"
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
	"credential-resolver/resolver/credential"
)

// storageKey is a key of an account, in base64.
const storageKey = "Y2FuYXJ5LWtleQ=="

// storageReply is an answer of Storage or Cosmos DB.
type storageReply struct {
	status int
	body   string
	header http.Header
}

// request is what a service was asked.
type request struct {
	method, uri, body string
	header            http.Header
}

// storageService is a service of Azure's that gives one answer, and keeps what it was asked.
type storageService struct {
	URL string

	mu     sync.Mutex
	script []storageReply // the next answers; none: always the same answer
	answer storageReply
	asked  []request
}

func newStorageService(t testing.TB, answer storageReply) *storageService {
	t.Helper()
	s := &storageService{answer: answer}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *storageService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	s.asked = append(s.asked, request{r.Method, r.RequestURI, string(body), r.Header})
	next := s.answer
	if len(s.script) > 0 {
		next, s.script = s.script[0], s.script[1:]
	}
	w.Header().Set("X-Ms-Request-Id", "1")
	maps.Copy(w.Header(), next.header)
	w.WriteHeader(next.status)
	_, _ = io.WriteString(w, next.body)
}

// last returns the last request.
func (s *storageService) last() request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

// set replaces the answer, and what follows.
func (s *storageService) set(replies ...storageReply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.answer = replies[:len(replies)-1], replies[len(replies)-1]
}

// openConfigs connects to a config store. It closes the store at the end of the test.
func openConfigs(t testing.TB, of store.Type[store.ConfigConn], fields map[string]string) store.ConfigConn {
	t.Helper()
	_, prepared, err := store.Lookup(store.Spec{Label: "configStore", Type: "t", Fields: fields}, map[string]store.Type[store.ConfigConn]{"t": of})
	require.NoError(t, err)
	conn, err := of.Connect(t.Context(), prepared, storetest.DevNull(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// storageCase is an answer, and how it is classified.
type storageCase struct {
	status          int
	body            string
	want            credential.Kind
	general, lapsed bool
	why             error // a part of the error; nil means any
}

// runStorageCases gives a store each answer, and asks it for "canary".
func runStorageCases(t *testing.T, open func(t *testing.T, url string) store.ConfigConn, cases map[string]storageCase) {
	t.Helper()
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			s := newStorageService(t, storageReply{status: 200})
			conn := open(t, s.URL)
			s.set(storageReply{status: test.status, body: test.body})
			found, err := conn.Get(t.Context(), "canary")
			require.Empty(t, found)
			requireStorageFailure(t, test, err)
		})
	}
}

// requireStorageFailure requires the class of an error. The error must not contain what was asked for, nor
// what the service said.
func requireStorageFailure(t *testing.T, test storageCase, err error) {
	t.Helper()
	storetest.RequireKind(t, test.want, err, "%v", errors.Unwrap(err))
	require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")
	require.Equal(t, test.general, storetest.IsGeneral(err))
	var failure *credential.StoreError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, test.lapsed, failure.Lapsed)
	if test.why != nil {
		require.ErrorIs(t, err, test.why)
	}
}
