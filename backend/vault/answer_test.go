package vault

import (
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// scriptedServer answers with a given status and body. The bodies come from real servers, which
// test/e2e uses.
type scriptedServer struct {
	status int
	body   string
	drop   bool
	mount  string // what it says of the mount; "" means version 2
}

// What Vault and OpenBao say of a mount of the KV secrets engine.
const (
	version1 = `{"data":{"path":"secret/","type":"kv","options":{"version":"1"}}}`
	version2 = `{"data":{"path":"secret/","type":"kv","options":{"version":"2"}}}`
)

const mountPath = "/v1/sys/internal/ui/mounts/secret"

func (v *scriptedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == mountPath:
		_, _ = io.WriteString(w, cmp.Or(v.mount, version2))
	case v.drop:
		panic(http.ErrAbortHandler)
	default:
		w.WriteHeader(v.status)
		_, _ = io.WriteString(w, v.body)
	}
}

func (v *scriptedServer) connect(t *testing.T, log logger.Logger, changes map[string]string) store.SecretConn {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	fields := map[string]string{"vaultAddr": server.URL, "vaultToken": "canary-token"}
	for name, value := range changes {
		fields[name] = value
	}
	return connected(t, log, fields)
}

// connected connects to a store, which it closes at the end of the test.
func connected(t *testing.T, log logger.Logger, fields map[string]string) store.SecretConn {
	t.Helper()
	require.NoError(t, prepare(fields))
	conn, err := Type().Connect(t.Context(), fields, store.Quiet(log))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

const (
	deletedVersion   = `{"data":{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z","destroyed":false,"version":1}}}`
	destroyedVersion = `{"data":{"data":null,"metadata":{"deletion_time":"","destroyed":true,"version":1}}}`
	relativePath     = `{"errors":["1 error occurred:\n\t* read failed: relative paths not supported\n\n"]}`
	noHandler        = `{"errors":["no handler for route \"kv/data/dapr/canary\". route entry not found."]}`
)

func TestFailuresAreToldApart(t *testing.T) {
	text := map[string]string{"vaultValueType": "text"}
	tests := map[string]struct {
		vault   scriptedServer
		changes map[string]string
		want    credential.Kind
	}{
		"a path without a secret is missing":   {scriptedServer{status: 404, body: `{"errors":[]}`}, nil, credential.NotFound},
		"a deleted version is missing":         {scriptedServer{status: 404, body: deletedVersion}, nil, credential.NotFound},
		"a destroyed version is missing":       {scriptedServer{status: 404, body: destroyedVersion}, nil, credential.NotFound},
		"a removed mount is not missing":       {scriptedServer{status: 404, body: noHandler}, nil, credential.Unavailable},
		"another engine is not missing":        {scriptedServer{status: 404, body: `{"errors":["unsupported path"]}`}, nil, credential.Unavailable},
		"a proxy's 404 is not missing":         {scriptedServer{status: 404, body: "404 page not found"}, nil, credential.Unavailable},
		"a 404 without a body is not missing":  {scriptedServer{status: 404}, nil, credential.Unavailable},
		"a 404 with other JSON is not missing": {scriptedServer{status: 404, body: `{"error":"not found"}`}, nil, credential.Unavailable},
		"a 404 with data is not missing":       {scriptedServer{status: 404, body: `{"data":{"data":{"a":"b"},"metadata":{"version":1}}}`}, nil, credential.Unavailable},
		"a 404 with empty metadata is not":     {scriptedServer{status: 404, body: `{"data":{"data":null,"metadata":{}}}`}, nil, credential.Unavailable},
		"a token without the right":            {scriptedServer{status: 403, body: `{"errors":["permission denied"]}`}, nil, credential.Denied},
		"throttling":                           {scriptedServer{status: 429, body: `{"errors":[]}`}, nil, credential.Unavailable},
		"a sealed Vault":                       {scriptedServer{status: 503, body: `{"errors":["Vault is sealed"]}`}, nil, credential.Unavailable},
		"a secondary of disaster recovery":     {scriptedServer{status: 472, body: `{"errors":["path disabled in replication DR secondary mode"]}`}, nil, credential.Unavailable},
		"a performance standby":                {scriptedServer{status: 473, body: `{"errors":[]}`}, nil, credential.Unavailable},
		"a Vault that fails":                   {scriptedServer{status: 500, body: `{"errors":[]}`}, nil, credential.Unavailable},
		"a request that it does not accept":    {scriptedServer{status: 400, body: `{"errors":[]}`}, nil, credential.Unavailable},
		"version 1, a name with two dots":      {scriptedServer{status: 400, body: relativePath, mount: version1}, nil, credential.NotFound},
		"version 1, another refusal":           {scriptedServer{status: 400, body: `{"errors":["unknown"]}`, mount: version1}, nil, credential.Unavailable},
		"version 1, a proxy's refusal":         {scriptedServer{status: 400, body: "relative paths not supported", mount: version1}, nil, credential.Unavailable},
		"version 2, a name with two dots":      {scriptedServer{status: 400, body: relativePath}, nil, credential.Unavailable},
		"no content":                           {scriptedServer{status: 204}, nil, credential.Unavailable},
		"a connection that breaks":             {scriptedServer{drop: true}, nil, credential.Unavailable},
		"an answer that ends early":            {scriptedServer{status: 200, body: `{"data":{"data":{"a":`}, nil, credential.Unavailable},
		"an answer that is not JSON":           {scriptedServer{status: 200, body: "<html>"}, nil, credential.Unavailable},
		"an answer without data":               {scriptedServer{status: 200, body: `{"data":{"a":"b"}}`}, nil, credential.Unavailable},
		"data that is not an object":           {scriptedServer{status: 200, body: `{"data":{"data":"b"}}`}, nil, credential.Unavailable},
		"text: not JSON":                       {scriptedServer{status: 200, body: "<html>"}, text, credential.Unavailable},
		"text: without data":                   {scriptedServer{status: 200, body: `{"data":{}}`}, text, credential.Unavailable},
		"text: null":                           {scriptedServer{status: 200, body: `{"data":{"data":null}}`}, text, credential.Unavailable},
		"another version's form":               {scriptedServer{status: 200, body: `{"data":{"data":{"a":"b"}}}`}, nil, credential.Unavailable},
		"metadata without a version":           {scriptedServer{status: 200, body: `{"data":{"data":{"a":"b"},"metadata":{}}}`}, nil, credential.Unavailable},
		"text: missing":                        {scriptedServer{status: 404, body: `{"errors":[]}`}, text, credential.NotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			log, written := storetest.NewLog(t, logger.DebugLevel)
			conn := test.vault.connect(t, log, test.changes)
			entries, err := conn.Get(t.Context(), "canary/a")
			require.Nil(t, entries)
			storetest.RequireKind(t, test.want, err, "%v", errors.Unwrap(err))
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err))+written.String(), "canary")
		})
	}
}

// contrib's store refuses a secret with one value that is not a string.
func TestSecretIsReadAsItsEntriesOrAsOneText(t *testing.T) {
	const object = `{"a":"b","none":null,"n":1.50,"big":12345678901234567890,"yes":true,"o":{"x": [1, "y"]},"u":"\u00e9"}`
	entries := map[string]string{"a": "b", "none": "", "n": "1.50", "big": "12345678901234567890", "yes": "true", "o": `{"x": [1, "y"]}`, "u": "é"}
	for version, mount := range map[string]string{"version 1": version1, "version 2": version2} {
		t.Run(version, func(t *testing.T) {
			vault := scriptedServer{status: 200, mount: mount, body: `{"data":{"data":` + object + `,"metadata":{"version":3}}}`}
			if mount == version1 {
				vault.body = `{"data":` + object + `}`
			}
			got, err := vault.connect(t, storetest.DevNull(t), nil).Get(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, entries, got)

			got, err = vault.connect(t, storetest.DevNull(t), map[string]string{"vaultValueType": "text"}).Get(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, map[string]string{"": object}, got, "the digits are kept")
		})
	}
}

// unchecked returns a store that has not asked for the version of the mount.
func unchecked(t *testing.T, fields map[string]string) *conn {
	t.Helper()
	settings, err := decode(fields)
	require.NoError(t, err)
	c, err := newConn(t.Context(), settings, newSecretIDs(), storetest.DevNull(t))
	require.NoError(t, err)
	return c
}

func TestServerThatDoesNotAnswerInTimeIsTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultToken": "t"})
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
	defer cancel()
	_, err := c.Get(ctx, "a")
	storetest.RequireKind(t, credential.Timeout, err)
}

func TestAnswerThatBreaksOffSaysNothing(t *testing.T) {
	var hangs atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == mountPath {
			_, _ = io.WriteString(w, version2)
			return
		}
		w.Header().Set("Content-Length", "100")
		refuse(w, 404, `{"errors":[]}`)
		if hangs.Load() {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultToken": "t"})
	_, err := c.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Unavailable, err)
	hangs.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
	defer cancel()
	_, err = c.Get(ctx, "a")
	storetest.RequireKind(t, credential.Timeout, err)
}

// Retries wait as long as Vault says.
func TestTimeOfRetryAfterIsKept(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		refuse(w, 429, `{"errors":["rate limit quota exceeded"]}`)
	}))
	t.Cleanup(server.Close)
	c := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultToken": "t"})
	_, err := c.Get(t.Context(), "a")
	require.Equal(t, store.Unavailable(store.Throttled(answered(429), 7*time.Second)), err)
}

func TestAnswersAreSeenOverHTTP2(t *testing.T) {
	vault := &scriptedServer{status: 404, body: `{"errors":[]}`}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, 2, r.ProtoMajor)
		vault.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	fields := map[string]string{"vaultAddr": server.URL, "vaultToken": "t", "caPem": string(ca)}
	conn, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	_, err = conn.Get(t.Context(), "a")
	require.True(t, store.Missing(err), "%v", errors.Unwrap(err))
	vault.status, vault.body = 403, `{"errors":["permission denied"]}`
	_, err = conn.Get(t.Context(), "a")
	storetest.RequireKind(t, credential.Denied, err)
}

// Texts of Vault Enterprise for a policy written in Sentinel: of now, and of its first versions.
const (
	byEGP = `{"errors":["2 errors occurred:\n\t* egp standard policy \"root/office-hours\" evaluation resulted in denial.\n\n` +
		`The specific error was:\n\u003cnil\u003e\n\nA trace of the execution for policy \"root/office-hours\" is available:\n\n` +
		`Result: false\n\nDescription: \u003cnone\u003e\n\nRule \"main\" (root/office-hours:4:1) = false\n\t* permission denied\n\n"]}`
	byTwoRGPs = `{"errors":["3 errors occurred:\n\t* rgp standard policy \"root/a\" evaluation resulted in denial.\n\n` +
		`\t* rgp standard policy \"root/b\" evaluation resulted in denial.\n\n\t* permission denied\n\n"]}`
	byOldEGP = `{"errors":["1 error occurred:\n\n* egp standard policy \"cidr\" evaluation resulted in denial.\n\nThe specific error was:\n"]}`
)

// With deniedProbe "literal", only a refusal by a policy makes a literal. A policy in Sentinel may
// refuse all names, for example at night, so it makes none.
func TestRefusalOfATokenIsNotAboutAName(t *testing.T) {
	const byPolicy = `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`
	tests := map[string]struct {
		vault   scriptedServer
		general bool
		token   bool
	}{
		"by a policy":             {scriptedServer{status: 403, body: byPolicy}, false, false},
		"OpenBao's unknown token": {scriptedServer{status: 403, body: `{"errors":["permission denied"]}`}, true, true},
		"Vault's unknown token": {
			scriptedServer{status: 403, body: `{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`}, true, true,
		},
		"Vault's bad token": {scriptedServer{status: 403, body: `{"errors":["bad token"]}`}, true, true},
		"an unknown token, and a policy": {
			scriptedServer{status: 403, body: `{"errors":["2 errors occurred:\n\t* egp standard policy \"root/a\" evaluation` +
				` resulted in denial.\n\n\t* invalid token\n\n"]}`}, true, true,
		},
		"for a path, in Sentinel":        {scriptedServer{status: 403, body: byEGP}, true, false},
		"for a token, in Sentinel":       {scriptedServer{status: 403, body: byTwoRGPs}, true, false},
		"for a path, in an old Sentinel": {scriptedServer{status: 403, body: byOldEGP}, true, false},
		"by a proxy":                     {scriptedServer{status: 403, body: "<html>"}, true, false},
		"by a proxy that knows Sentinel": {scriptedServer{status: 403, body: "1 error occurred:\n\t* egp standard policy \"a\""}, true, false},
		"one without text":               {scriptedServer{status: 403}, true, false},
		"any 401":                        {scriptedServer{status: 401, body: byPolicy}, true, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := test.vault.connect(t, storetest.DevNull(t), nil).Get(t.Context(), "a")
			storetest.RequireKind(t, credential.Denied, err)
			require.Equal(t, test.general, storetest.IsGeneral(err))
			require.Equal(t, test.token, errors.Is(err, errTokenRefused))
		})
	}
}
