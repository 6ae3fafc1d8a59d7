package kubernetes

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// scriptedServer answers each path with a given text. The texts come from a real server, which
// test/e2e uses.
type scriptedServer struct {
	*httptest.Server

	answers map[string]string // by the end of the path: a status and a body
	asked   atomic.Int32
	token   atomic.Value // the only valid token; unset: any token is valid
	before  func(name string)
	conns   *storetest.ConnCount
}

func newScriptedServer(t *testing.T, answers map[string]string) *scriptedServer {
	t.Helper()
	k := &scriptedServer{answers: answers}
	k.Server = httptest.NewUnstartedServer(k)
	k.EnableHTTP2 = true
	k.conns = storetest.CountConns(k.Server)
	k.StartTLS()
	t.Cleanup(k.Close)
	return k
}

func (k *scriptedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/readyz" {
		k.asked.Add(1)
	}
	name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if k.before != nil {
		k.before(name)
	}
	answer := k.answers[name]
	if known := k.token.Load(); known != nil && r.Header.Get("Authorization") != "Bearer "+known.(string) {
		answer = "401 " + statusOf("Unauthorized", 401, "", "")
	}
	code, body, _ := strings.Cut(answer, " ")
	w.Header().Set("Content-Type", "application/json")
	switch code {
	case "":
		w.WriteHeader(http.StatusTeapot)
	case "302":
		w.Header().Set("Location", body)
		w.WriteHeader(http.StatusFound)
	case "404":
		w.WriteHeader(http.StatusNotFound)
	case "401":
		w.WriteHeader(http.StatusUnauthorized)
	case "403":
		w.WriteHeader(http.StatusForbidden)
	case "429":
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	case "504":
		w.WriteHeader(http.StatusGatewayTimeout)
	case "drop":
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, body)
}

// statusOf returns the Status of an API server. It is about an object if kind is set.
func statusOf(reason string, code int, kind, name string) string {
	s := map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
	if kind != "" {
		s["details"] = map[string]string{"kind": kind, "name": name}
	}
	text, _ := json.Marshal(s) // never fails
	return string(text)
}

const (
	namespaceThere = `200 {"kind":"Namespace","apiVersion":"v1","metadata":{"name":"team"}}`
	secretThere    = `200 {"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"team"},"data":{"k":"dg=="}}`
)

// anyUser is a kubeconfig user with an arbitrary token.
func anyUser() map[string]any { return map[string]any{"token": "canary-token"} }

// kubeconfig writes a kubeconfig for the server and returns metadata that names it. user and
// cluster are the fields of its user, and more fields of its cluster.
func (k *scriptedServer) kubeconfig(t *testing.T, user, cluster map[string]any) map[string]string {
	t.Helper()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw})
	server := map[string]any{"server": k.URL, "certificate-authority-data": authority}
	maps.Copy(server, cluster)
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"clusters": []any{map[string]any{"name": "c", "cluster": server}},
		"users":    []any{map[string]any{"name": "u", "user": user}},
		"contexts": []any{map[string]any{"name": "c", "context": map[string]string{"cluster": "c", "user": "u", "namespace": "team"}}},
	})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return map[string]string{"kubeconfigPath": path}
}

func (k *scriptedServer) connect(t *testing.T) (*conn, error) {
	t.Helper()
	fields := k.kubeconfig(t, anyUser(), nil)
	c, err := connect(t.Context(), fields, storetest.DevNull(t), true)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c.(*conn), nil
}

func TestAnswersAreToldApart(t *testing.T) {
	tests := map[string]struct {
		answer string
		want   credential.Kind
	}{
		"missing":                 {"404 " + statusOf("NotFound", 404, "secrets", "a"), credential.NotFound},
		"another kind is missing": {"404 " + statusOf("NotFound", 404, "namespaces", "a"), credential.Unavailable},
		"no such resource":        {"404 " + statusOf("NotFound", 404, "", ""), credential.Unavailable},
		"a proxy's 404":           {"404 default backend - 404", credential.Unavailable},
		"another server's 404":    {`404 {"error":"no such page"}`, credential.Unavailable},
		"a 404 with metadata":     {`404 {"metadata":{}}`, credential.Unavailable},
		"a Status of nothing":     {`404 {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":404}`, credential.Unavailable},
		"a Status of a kind":      {"404 " + statusOf("NotFound", 404, "secrets", ""), credential.Unavailable},
		"another name's":          {"404 " + statusOf("NotFound", 404, "secrets", "b"), credential.Unavailable},
		"forbidden":               {"403 " + statusOf("Forbidden", 403, "secrets", "a"), credential.Denied},
		"a proxy's 403":           {"403 no", credential.Denied},
		"unknown token":           {"401 " + statusOf("Unauthorized", 401, "", ""), credential.Denied},
		"throttled":               {"429 " + statusOf("TooManyRequests", 429, "", ""), credential.Unavailable},
		"its store is down":       {"500 " + statusOf("InternalError", 500, "", ""), credential.Unavailable},
		"its store is slow":       {"504 " + statusOf("Timeout", 504, "secrets", "a"), credential.Timeout},
		"no answer":               {"drop", credential.Unavailable},
		"an empty answer":         {"200 ", credential.Unavailable},
		"any object":              {"200 {}", credential.Unavailable},
		"another object":          {namespaceThere, credential.Unavailable},
		"a page":                  {"200 <html>canary</html>", credential.Unavailable},
		"another secret": {
			`200 {"kind":"Secret","apiVersion":"v1","metadata":{"name":"b","namespace":"team"}}`, credential.Unavailable,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := newScriptedServer(t, map[string]string{"a": test.answer, "team": namespaceThere})
			conn, err := k.connect(t)
			require.NoError(t, err)
			before := k.asked.Load()
			_, err = conn.Get(t.Context(), "a")
			storetest.RequireKind(t, test.want, err)
			var failure *credential.StoreError
			require.ErrorAs(t, err, &failure)
			require.NotContains(t, failure.Err.Error(), "canary")
			require.NotContains(t, failure.Err.Error(), "/a")
			switch name {
			case "no answer":
			case "missing":
				require.EqualValues(t, 2, k.asked.Load()-before, "one read of the secret and one of the namespace")
			default:
				require.EqualValues(t, 1, k.asked.Load()-before, "client-go must not retry")
			}
		})
	}
}

func TestServerIsConnected(t *testing.T) {
	tests := map[string]struct {
		namespace string
		want      string // "" means connected
		final     bool
	}{
		"the namespace is there":                 {namespaceThere, "", false},
		"the namespace may not be read":          {"403 " + statusOf("Forbidden", 403, "namespaces", "team"), "", false},
		"the namespace does not exist":           {"404 " + statusOf("NotFound", 404, "namespaces", "team"), "no such namespace", true},
		"the namespace is being deleted":         {namespaceEnds, "unavailable", false},
		"any object":                             {"200 {}", "unavailable", false},
		"something else answers":                 {"404 default backend - 404", "unavailable", false},
		"the API server is not ready":            {"500 " + statusOf("InternalError", 500, "", ""), "unavailable", false},
		"the API server does not know the token": {"401 " + statusOf("Unauthorized", 401, "", ""), "", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			conn, err := newScriptedServer(t, map[string]string{"team": test.namespace}).connect(t)
			if test.want == "" {
				require.NoError(t, err)
				require.Nil(t, conn.session.Load().GetRateLimiter(), "client-go's own limit is 5 requests a second")
				return
			}
			require.ErrorContains(t, err, test.want)
			var final *store.PermanentError
			require.Equal(t, test.final, errors.As(err, &final))
		})
	}
}

// With deniedProbe "literal", only a refusal that is about the name makes a literal.
func TestRefusalOfAUserIsNotAboutAName(t *testing.T) {
	tests := map[string]struct {
		answer  string
		general bool
	}{
		"by a role":          {"403 " + statusOf("Forbidden", 403, "secrets", "a"), false},
		"of another name":    {"403 " + statusOf("Forbidden", 403, "secrets", "b"), true},
		"of the namespace":   {"403 " + statusOf("Forbidden", 403, "namespaces", "a"), true},
		"of no name":         {"403 " + statusOf("Forbidden", 403, "", ""), true},
		"for another reason": {"403 " + statusOf("Expired", 403, "secrets", "a"), true},
		"by a proxy":         {"403 no", true},
		"an unknown token":   {"401 " + statusOf("Unauthorized", 401, "", ""), true},
		"a token, by name":   {"401 " + statusOf("Forbidden", 401, "secrets", "a"), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			conn, err := newScriptedServer(t, map[string]string{"a": test.answer, "team": namespaceThere}).connect(t)
			require.NoError(t, err)
			_, err = conn.Get(t.Context(), "a")
			storetest.RequireKind(t, credential.Denied, err)
			require.Equal(t, test.general, storetest.IsGeneral(err))
		})
	}
}

// refusedRead is a connection to a server that is ready and refuses to let the secret "a" be
// read. Its clock moves only when the test moves it.
type refusedRead struct {
	*scriptedServer

	conn *conn
	now  time.Time
}

func newRefusedRead(t *testing.T) *refusedRead {
	t.Helper()
	r := &refusedRead{scriptedServer: newScriptedServer(t, map[string]string{
		"a": "403 " + statusOf("Forbidden", 403, "secrets", "a"), "team": namespaceThere, "readyz": "200 ok",
	})}
	var err error
	r.conn, err = r.connect(t)
	require.NoError(t, err)
	r.now = time.Now()
	r.conn.now = func() time.Time { return r.now }
	return r
}

// read reads the secret and returns the number of requests that this took. Those to readyz do
// not count.
func (r *refusedRead) read(t *testing.T) (requests int32) {
	t.Helper()
	before := r.asked.Load()
	_, err := r.conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	return r.asked.Load() - before
}

// The API server may have been started again since it was last seen to be ready.
func TestRefusalCountsSoonAfterTheServerWasReady(t *testing.T) {
	r := newRefusedRead(t)
	for _, step := range []struct {
		passed   time.Duration
		requests int32
	}{{0, 2}, {9 * time.Second, 1}, {10 * time.Second, 2}, {time.Minute, 2}, {0, 1}} {
		r.now = r.now.Add(step.passed)
		require.Equal(t, step.requests, r.read(t), "after %s", step.passed)
	}
}

// Another call may have seen the server become ready since the refusal.
func TestRefusalFromBeforeTheServerWasReadyDoesNotCount(t *testing.T) {
	r := newRefusedRead(t)
	r.read(t)
	r.before = func(name string) {
		if name == "a" {
			later := r.now.Add(time.Second)
			r.conn.ready.Store(&later)
		}
	}
	require.EqualValues(t, 2, r.read(t))
}

func TestSecretWithoutEntriesIsNotMissing(t *testing.T) {
	k := newScriptedServer(t, map[string]string{
		"a":    `200 {"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"team"}}`,
		"team": namespaceThere,
	})
	conn, err := k.connect(t)
	require.NoError(t, err)
	entries, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{}, entries)
}

// Connecting waits for a server that says nothing of itself, until it knows its roles.
func TestServerThatHidesItselfMaySettle(t *testing.T) {
	k := newScriptedServer(t, map[string]string{
		"team": "403 " + statusOf("Forbidden", 403, "namespaces", "team"), "readyz": "403 no",
	})
	asked := 0
	k.before = func(name string) {
		if name == "team" {
			if asked++; asked == 3 {
				k.answers["team"] = namespaceThere
			}
		}
	}
	log, written := storetest.NewLog(t, logger.WarnLevel)
	conn, err := connect(t.Context(), k.kubeconfig(t, anyUser(), nil), log, true)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Empty(t, written.String())
}

// An API server that is starting refuses every request.
func TestRefusalWhileStartingIsUnavailable(t *testing.T) {
	forbidden := func(kind, name string) string { return "403 " + statusOf("Forbidden", 403, kind, name) }
	k := newScriptedServer(t, map[string]string{
		"a": forbidden("secrets", "a"), "team": forbidden("namespaces", "team"), "readyz": "500 canary",
	})
	_, err := k.connect(t)
	storetest.RequireKind(t, credential.Unavailable, err)
	var final *store.PermanentError
	require.False(t, errors.As(err, &final))

	k.answers["team"] = namespaceThere
	conn, err := k.connect(t)
	require.NoError(t, err)
	now := time.Now()
	conn.now = func() time.Time { return now }
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	// The server may become ready between the refusal and the question whether it is ready. The
	// refusal is older, so the read is repeated.
	found := `200 {"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"team"},"data":{"k":"dg=="}}`
	refused := k.answers["a"]
	k.answers["readyz"] = "200 ok"
	k.before = func(name string) {
		if name == "readyz" {
			k.answers["a"] = found
		}
	}
	entries, err := conn.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"k": "v"}, entries)
	k.before, k.answers["a"] = nil, refused
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)

	// The server may have restarted in the meantime.
	k.answers["readyz"] = "500 canary"
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	k.answers["readyz"] = "200 ok"
	before := k.asked.Load()
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	require.EqualValues(t, 1, k.asked.Load()-before, "the server was known to be ready before the call")
	k.answers["b"] = "drop"
	_, err = conn.Get(t.Context(), "b")
	storetest.RequireKind(t, credential.Unavailable, err)
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
	require.EqualValues(t, 1+1+2, k.asked.Load()-before, "an outage makes the earlier readiness invalid")
}
