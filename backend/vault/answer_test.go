package vault

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
}

// The answer of a KV version 2 to a version that is not a number: from OpenBao, and from
// HashiCorp's Vault.
const (
	refusedVersion        = `{"errors":["Field validation failed: error converting input for field \"version\": '' cannot parse value as 'int': strconv.ParseInt: invalid syntax"]}`
	refusedVersionByVault = `{"errors":["Field validation failed: error converting input none for field \"version\": cannot parse '' as int: strconv.ParseInt: parsing \"none\": invalid syntax"]}`
)

func (v *scriptedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Query().Get("version") == "none":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, refusedVersion)
	case v.drop:
		panic(http.ErrAbortHandler)
	case !strings.HasSuffix(r.URL.Path, "/there"): // as a standby does
		http.Redirect(w, r, strings.TrimSuffix(r.URL.Path, "/a")+"/there?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
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
	require.NoError(t, prepare(fields))
	conn, err := connect(t.Context(), fields, store.Quiet(log))
	require.NoError(t, err)
	return conn
}

const (
	deletedVersion   = `{"data":{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z","destroyed":false,"version":1}}}`
	destroyedVersion = `{"data":{"data":null,"metadata":{"deletion_time":"","destroyed":true,"version":1}}}`
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
		"a Vault that fails":                   {scriptedServer{status: 500, body: `{"errors":[]}`}, nil, credential.Unavailable},
		"a request that it does not accept":    {scriptedServer{status: 400, body: `{"errors":[]}`}, nil, credential.Unavailable},
		"no content":                           {scriptedServer{status: 204}, nil, credential.Unavailable},
		"a connection that breaks":             {scriptedServer{drop: true}, nil, credential.Unavailable},
		"an answer that ends early":            {scriptedServer{status: 200, body: `{"data":{"data":{"a":`}, nil, credential.Unavailable},
		"an answer that is not JSON":           {scriptedServer{status: 200, body: "<html>"}, nil, credential.Unavailable},
		"an answer without data":               {scriptedServer{status: 200, body: `{"data":{"a":"b"}}`}, nil, credential.Unavailable},
		"data that is not an object":           {scriptedServer{status: 200, body: `{"data":{"data":"b"}}`}, nil, credential.Unavailable},
		"a number":                             {scriptedServer{status: 200, body: `{"data":{"data":{"a":"b","n":5}}}`}, nil, credential.FailedPrecondition},
		"an object":                            {scriptedServer{status: 200, body: `{"data":{"data":{"o":{"a":"b"}}}}`}, nil, credential.FailedPrecondition},
		"text: not JSON":                       {scriptedServer{status: 200, body: "<html>"}, text, credential.Unavailable},
		"text: without data":                   {scriptedServer{status: 200, body: `{"data":{}}`}, text, credential.Unavailable},
		"text: null":                           {scriptedServer{status: 200, body: `{"data":{"data":null}}`}, text, credential.Unavailable},
		"text: missing":                        {scriptedServer{status: 404, body: `{"errors":[]}`}, text, credential.NotFound},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			log, written := storetest.NewLog(t, logger.DebugLevel)
			conn := test.vault.connect(t, log, test.changes)
			entries, err := conn.Get(t.Context(), "canary/a")
			require.Nil(t, entries)
			require.Equal(t, test.want, credential.KindOf(err), "%v", errors.Unwrap(err))
			require.NotContains(t, fmt.Sprint(errors.Unwrap(err))+written.String(), "canary")
		})
	}
}

func TestSecretIsReadAsItsEntriesOrAsOneText(t *testing.T) {
	vault := scriptedServer{status: 200, body: `{"data":{"data":{"a":"b","none":null}}}`}
	entries, err := vault.connect(t, storetest.DevNull(t), nil).Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "b", "none": ""}, entries)

	vault = scriptedServer{status: 200, body: `{"data":{"data":{"a":"b","n":1.50}}}`}
	entries, err = vault.connect(t, storetest.DevNull(t), map[string]string{"vaultValueType": "text"}).Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"": `{"a":"b","n":1.50}`}, entries, "the digits are kept")
}

func TestServerThatDoesNotAnswerInTimeIsTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	c, err := newConn(t.Context(), map[string]string{"vaultAddr": server.URL, "vaultToken": "t"}, storetest.DevNull(t))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Tick)
	defer cancel()
	_, err = c.Get(ctx, "a")
	require.Equal(t, credential.Timeout, credential.KindOf(err))
}

// Over TLS, Vault and contrib use HTTP/2.
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
	conn, err := connect(t.Context(), fields, storetest.DevNull(t))
	require.NoError(t, err)
	_, err = conn.Get(t.Context(), "a")
	require.True(t, store.Missing(err), "%v", errors.Unwrap(err))
	vault.status, vault.body = 403, `{"errors":["permission denied"]}`
	_, err = conn.Get(t.Context(), "a")
	require.Equal(t, credential.Denied, credential.KindOf(err))
}

// With deniedProbe "literal", only a refusal by a policy makes a literal.
func TestRefusalOfATokenIsNotAboutAName(t *testing.T) {
	const byPolicy = `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`
	tests := map[string]struct {
		vault   scriptedServer
		general bool
	}{
		"by a policy":             {scriptedServer{status: 403, body: byPolicy}, false},
		"OpenBao's unknown token": {scriptedServer{status: 403, body: `{"errors":["permission denied"]}`}, true},
		"Vault's unknown token": {
			scriptedServer{status: 403, body: `{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`}, true,
		},
		"by a proxy":       {scriptedServer{status: 403, body: "<html>"}, true},
		"one without text": {scriptedServer{status: 403}, true},
		"any 401":          {scriptedServer{status: 401, body: byPolicy}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := test.vault.connect(t, storetest.DevNull(t), nil).Get(t.Context(), "a")
			require.Equal(t, credential.Denied, credential.KindOf(err))
			require.Equal(t, test.general, storetest.IsGeneral(err))
		})
	}
}

// A 404 whose body contrib did not show must not count as missing, whatever contrib calls it.
func TestNotFoundWithoutItsAnswerIsNoMiss(t *testing.T) {
	err := classify(reply{}, errors.New("secret key or version not exist"))
	require.Equal(t, credential.Unavailable, credential.KindOf(err))
	err = classify(reply{404, `{"errors":[]}`}, errors.New("something else"))
	require.Equal(t, credential.Unavailable, credential.KindOf(err))
}
