package component_test

import (
	encodingjson "encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dapr/components-contrib/bindings"
	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/audit"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver/credential"
)

// audited is a component with an audit log, and with a key of a file.
type audited struct {
	*fileStores

	keys *audit.Keys
	log  *audit.Writer
	text *logtext.Text // the audit log
}

func newAudited(t testing.TB) *audited {
	t.Helper()
	w := &audited{fileStores: newFileStores(t), text: &logtext.Text{}}
	var err error
	w.keys, err = audit.NewKeys([]byte(strings.Repeat("k", audit.KeySize)))
	require.NoError(t, err)
	w.log, err = audit.NewWriter(audit.Options{
		Keys: w.keys, Stream: w.text, Log: w.fileStores.log.Logger(t.Name()), Counter: component.NewAuditMetrics(w.metrics),
	})
	require.NoError(t, err)
	t.Cleanup(w.log.Close)
	w.use(w.log)
	return w
}

// use makes the factory create secret stores that are audited.
func (w *audited) use(log *audit.Writer) {
	logger := w.fileStores.log.Logger(w.t.Name())
	made := component.New(component.Options{
		Logger: logger, Audit: log, NameHash: w.keys.NameHash, Open: component.Backends(store.Options{Logger: logger}),
	})
	w.t.Cleanup(made.Close)
	w.factory = func() secretstores.SecretStore { return made.NewSecretStore() }
}

// lines ends the audit log, and returns its lines but for the first and the last.
func (w *audited) lines() []map[string]any {
	w.t.Helper()
	w.log.Close()
	var lines []map[string]any
	for text := range strings.Lines(w.text.String()) {
		var line map[string]any
		require.NoError(w.t, encodingjson.Unmarshal([]byte(text), &line), text)
		lines = append(lines, line)
	}
	return lines[1 : len(lines)-1]
}

// have returns some fields of a line.
func have(line map[string]any, names ...string) map[string]any {
	some := map[string]any{}
	for _, name := range names {
		if value, ok := line[name]; ok {
			some[name] = value
		}
	}
	return some
}

func TestEachRequestIsALineOfTheAuditLog(t *testing.T) {
	w := newAudited(t)
	w.config("single", `{"credentialSource":"agent","host":"h","user":"`+canary.Literal+`","password":"`+canary.Reference+`"}`)
	w.config("bundle", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`","password":"value"}`)
	w.config("direct", `{"host":"h"}`)
	w.config("explicit", `{"credential-resolver":{"references":"explicit"},"p":{"secretKeyRef":{"name":"`+canary.Reference+`"}}}`)
	w.config("gone", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`-none"}`)
	w.secrets(`{"` + canary.Reference + `":{"value":"` + canary.Secret + `"}}`)
	s := w.open(map[string]string{"cacheTTL": "1m"})
	for _, request := range [][]string{
		{"single"},
		{"single", "fields", "password,host"},
		{"bundle"},
		{"direct"},
		{"explicit"},
		{"gone"},
		{"none"},
		{canary.Secret + " "},
		{"single", "fields", "no"},
		{"single", "unknown", "x"},
	} {
		_, _ = get(s, request[0], request[1:]...)
	}
	found := func(outcome string) map[string]any {
		return map[string]any{"hash": w.keys.NameHash(canary.Reference), "store": "secretStore", "outcome": outcome}
	}
	missing := func(name, outcome string) map[string]any {
		line := found(outcome)
		line["hash"] = w.keys.NameHash(credential.Reference(name))
		return line
	}
	single := []any{missing(canary.Literal, "missing"), found("found")}
	want := []map[string]any{
		{"guid": "single", "outcome": "answered", "code": "OK", "cache": "miss", "source": "agent", "mode": "single-key", "secrets": single},
		{"guid": "single", "outcome": "answered", "code": "OK", "cache": "hit", "source": "agent", "mode": "single-key", "secrets": single, "fields": []any{"password", "host"}},
		{"guid": "bundle", "outcome": "answered", "code": "OK", "cache": "miss", "source": "agent", "mode": "multi-key", "secrets": []any{found("found")}},
		{"guid": "direct", "outcome": "answered", "code": "OK", "cache": "miss", "source": "direct", "mode": "multi-key", "secrets": []any{missing("direct", "missing")}},
		{"guid": "explicit", "outcome": "answered", "code": "OK", "cache": "miss", "mode": "explicit", "secrets": []any{found("found")}},
		{"guid": "gone", "outcome": "failed", "code": "NotFound", "cache": "miss", "secrets": []any{func() any {
			line := missing(canary.Reference+"-none", "failed")
			line["store"] = "secretStore"
			return line
		}()}},
		{"guid": "none", "outcome": "failed", "code": "NotFound", "cache": "miss"},
		{"outcome": "failed", "code": "InvalidArgument"},
		{"guid": "single", "outcome": "failed", "code": "InvalidArgument", "cache": "hit", "fields": []any{"no"}},
		{"guid": "single", "outcome": "failed", "code": "InvalidArgument"},
	}
	lines := w.lines()
	require.Len(t, lines, len(want))
	for i, line := range lines {
		assert.Equal(t, want[i], have(line, "guid", "outcome", "code", "cache", "source", "mode", "secrets", "store", "fields"), "%d", i)
		assert.Equal(t, "credentials", line["component"])
		assert.Equal(t, "read", line["event"])
		assert.Len(t, line["instance"], 8)
		assert.Contains(t, line, "tookMicros")
		assert.Equal(t, line["outcome"] == "answered", line["fingerprint"] != nil)
	}
	assert.Equal(t, lines[0]["fingerprint"], lines[1]["fingerprint"])
	assert.NotEqual(t, lines[0]["fingerprint"], lines[2]["fingerprint"])
	canary.AssertNone(t, w.text.String())
	assert.NotContains(t, w.text.String(), "db-")
	assert.Equal(t, float64(len(want)+2), w.counted()["credential_resolver_audit_lines_total{}"])
	assert.Contains(t, w.fileStores.log.String(), "(reference "+w.keys.NameHash(canary.Reference+"-none")+")", "the log has the same hashes")
}

func TestABulkRequestIsALineForEachCredential(t *testing.T) {
	w := newAudited(t)
	w.config("a", `{"credentialSource":"agent","password":"pw"}`)
	w.config("b", `{"credentialSource":"agent","secret-path":"`+canary.Reference+`"}`)
	w.secrets(`{"pw":{"value":"` + canary.Secret + `"}}`)
	_, err := bulk(w.open(map[string]string{"allowBulk": "true"}), "fields", "password")
	require.NoError(t, err)
	_, err = bulk(w.open(nil))
	require.Equal(t, codes.PermissionDenied, status.Code(err))
	lines := w.lines()
	require.Len(t, lines, 4)
	slices.SortStableFunc(lines[:2], func(a, b map[string]any) int { return strings.Compare(a["guid"].(string), b["guid"].(string)) })
	var got []map[string]any
	for _, line := range lines {
		got = append(got, have(line, "event", "bulk", "guid", "outcome", "code", "fields"))
	}
	fields := []any{"password"}
	assert.Equal(t, []map[string]any{
		{"event": "read", "bulk": true, "guid": "a", "outcome": "answered", "code": "OK", "fields": fields},
		{"event": "read", "bulk": true, "guid": "b", "outcome": "left-out", "code": "NotFound", "fields": fields},
		{"event": "bulk", "outcome": "answered", "code": "OK", "fields": fields},
		{"event": "bulk", "outcome": "refused", "code": "PermissionDenied"},
	}, got)
	canary.AssertNone(t, w.text.String())
}

func TestARequestToSaveIsALine(t *testing.T) {
	w := newAudited(t)
	local := w.open(map[string]string{"environment": "local", "configStore": "state.in-memory", "configStore.rootPath": "", "configKey": ""})
	for _, data := range []string{`{"password":"` + canary.Secret + `"}`, `"` + canary.Secret + `"`} {
		b := component.NewSaveBinding(theirs{"credentials": local.(*component.SecretStore)})
		require.NoError(t, initBinding(t, b, map[string]string{"store": "credentials"}))
		_, _ = b.Invoke(t.Context(), &bindings.InvokeRequest{Operation: bindings.CreateOperation, Data: []byte(data)})
	}
	lines := w.lines()
	require.Len(t, lines, 2)
	assert.Equal(t, map[string]any{"event": "save", "outcome": "answered", "code": "OK"}, have(lines[0], "event", "outcome", "code"))
	assert.Len(t, lines[0]["guid"], 36)
	assert.Equal(t, map[string]any{"event": "save", "outcome": "failed", "code": "FailedPrecondition"}, have(lines[1], "event", "outcome", "code", "guid"))
	canary.AssertNone(t, w.text.String())
}

func TestTheCallerIsInTheLine(t *testing.T) {
	w := newAudited(t)
	w.config("c", `{"host":"h"}`)
	w.secrets(`{}`)
	client := w.serve(w.properties(nil))
	_, err := get(client, "c")
	require.NoError(t, err)
	lines := w.lines()
	require.Len(t, lines, 1)
	assert.Equal(t, map[string]any{"uid": float64(os.Geteuid()), "pid": float64(os.Getpid()), "component": "credentials"},
		have(lines[0], "uid", "pid", "component"))
}

// full is an audit log on a full disk.
type full struct{}

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestNoAnswerGoesOutWithoutItsRequiredLine(t *testing.T) {
	w := newAudited(t)
	required, err := audit.NewWriter(audit.Options{
		Keys: w.keys, Stream: full{}, Required: true, Log: w.fileStores.log.Logger(t.Name()),
		Counter: component.NewAuditMetrics(prometheus.NewRegistry()),
	})
	require.NoError(t, err)
	t.Cleanup(required.Close)
	w.use(required)
	w.config("c", `{"credentialSource":"agent","password":"pw"}`)
	w.secrets(`{"pw":{"value":"` + canary.Secret + `"}}`)
	s := w.open(map[string]string{"allowBulk": "true", "environment": "local"})
	data, err := get(s, "c")
	assert.Empty(t, data)
	assert.EqualError(t, err, `rpc error: code = Unavailable desc = credential "c": the request cannot be audited`)
	all, err := bulk(s)
	assert.Empty(t, all)
	assert.EqualError(t, err, `rpc error: code = Unavailable desc = credential: the request cannot be audited`)
	assert.Contains(t, w.fileStores.log.String(), "the request cannot be audited: the audit log cannot be written, and --audit-required is set: "+
		"see the log for the reason; free space on the file system of --audit-log", "the remedy")
	assert.Contains(t, w.fileStores.log.String(), "no space left on device")
	canary.AssertNone(t, w.fileStores.log.String())
}

func TestWithoutRequiredAnAnswerGoesOutAnyway(t *testing.T) {
	w := newAudited(t)
	careless, err := audit.NewWriter(audit.Options{
		Keys: w.keys, Stream: full{}, Log: w.fileStores.log.Logger(t.Name()), Counter: component.NewAuditMetrics(prometheus.NewRegistry()),
	})
	require.NoError(t, err)
	t.Cleanup(careless.Close)
	w.use(careless)
	w.config("c", `{"host":"h"}`)
	w.secrets(`{}`)
	_, err = get(w.open(nil), "c")
	require.NoError(t, err)
}
