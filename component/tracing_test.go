package component_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	otel "go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	grpc "google.golang.org/grpc/metadata"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
)

// spans are the spans that ended, in this order.
type spans struct {
	*tracetest.InMemoryExporter
	*component.Tracing
}

func newSpans(t *testing.T, options ...sdk.TracerProviderOption) spans {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(append(options, sdk.WithSyncer(exporter))...)
	return spans{exporter, component.NewTracing(provider.Tracer(t.Name()))}
}

// take returns the spans that have ended since the last call.
func (s spans) take() tracetest.SpanStubs {
	defer s.Reset()
	return s.GetSpans()
}

// named returns the spans of a name.
func named(all tracetest.SpanStubs, name string) tracetest.SpanStubs {
	var found tracetest.SpanStubs
	for _, s := range all {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// attributes returns the attributes of a span as text.
func attributes(s tracetest.SpanStub) map[string]string {
	texts := map[string]string{}
	for _, a := range s.Attributes {
		texts[string(a.Key)] = a.Value.Emit()
	}
	return texts
}

// traced returns stores whose component makes spans.
func traced(t *testing.T) (*fileStores, spans) {
	t.Helper()
	w, s := newFileStores(t), newSpans(t)
	w.observe(s.Tracing)
	return w, s
}

func TestARequestIsASpanAndItsCallsAreChildren(t *testing.T) {
	w, s := traced(t)
	w.config("c", `{"credentialSource":"agent","password":"pw","user":"literal"}`)
	w.secrets(`{"pw":{"value":"s3cret"}}`)
	store := w.open(map[string]string{"cacheTTL": "1m"})
	_, err := get(store, "c")
	require.NoError(t, err)

	all := s.take()
	require.Len(t, all, 4)
	request := all[3]
	assert.Equal(t, "resolve", request.Name)
	assert.False(t, request.Parent.IsValid())
	assert.Equal(t, trace.SpanKindServer, request.SpanKind)
	assert.Equal(t, otel.Unset, request.Status.Code)
	assert.Equal(t, map[string]string{
		"rpc.system.name": "grpc", "rpc.method": "dapr.proto.components.v1.SecretStore/Get", "rpc.response.status_code": "OK",
		"credential_resolver.component": "credentials", "credential_resolver.guid": "c", "credential_resolver.cache": "miss",
		"credential_resolver.source": "agent", "credential_resolver.mode": "single-key",
	}, attributes(request))
	codes := map[string]int{}
	for _, call := range all[:3] {
		assert.Equal(t, request.SpanContext.TraceID(), call.SpanContext.TraceID())
		assert.Equal(t, request.SpanContext.SpanID(), call.Parent.SpanID())
		assert.Equal(t, trace.SpanKindClient, call.SpanKind)
		assert.Equal(t, otel.Unset, call.Status.Code, "what is not found is a literal")
		assert.False(t, call.StartTime.Before(request.StartTime))
		assert.False(t, call.EndTime.After(request.EndTime))
		about := attributes(call)
		codes[call.Name+" "+about["credential_resolver.code"]]++
		delete(about, "credential_resolver.code")
		types := map[string]string{"configStore": "bindings.localstorage", "secretStore": "secretstores.local.file"}
		assert.Equal(t, map[string]string{
			"credential_resolver.store.label": call.Name, "credential_resolver.store.type": types[call.Name],
			"credential_resolver.attempt": "1", "credential_resolver.queued": "0",
		}, about)
	}
	assert.Equal(t, map[string]int{"configStore OK": 1, "secretStore OK": 1, "secretStore NotFound": 1}, codes)

	_, err = get(store, "c")
	require.NoError(t, err)
	all = s.take()
	require.Len(t, all, 1, "a hit calls no store")
	assert.Equal(t, "hit", attributes(all[0])["credential_resolver.cache"])
}

func TestASpanSaysHowItFailed(t *testing.T) {
	w, s := traced(t)
	w.config("c", `{"credentialSource":"agent","password":"pw"}`)
	w.secrets(`{"pw":{"value":"s3cret"}}`)
	store := w.open(nil)
	_, err := get(store, "none")
	require.Error(t, err)
	all := s.take()
	request := all[len(all)-1]
	assert.Equal(t, "NOT_FOUND", attributes(request)["rpc.response.status_code"])
	assert.Equal(t, `credential "none": no such credential`, attributes(request)["credential_resolver.reason"])
	assert.Equal(t, sdk.Status{}, request.Status, "the application asked for the wrong one")

	w.secrets(`not JSON`)
	_, err = get(store, "c")
	require.Error(t, err)
	all = s.take()
	request = all[len(all)-1]
	const reason = `credential "c": the secret store is unavailable`
	assert.Equal(t, sdk.Status{Code: otel.Error, Description: reason}, request.Status)
	assert.Equal(t, "UNAVAILABLE", attributes(request)["error.type"])
	call := named(all, "secretStore")[0]
	assert.Equal(t, sdk.Status{Code: otel.Error}, call.Status)
	assert.Equal(t, "Unavailable", attributes(call)["error.type"])

	_, err = get(store, canary.Secret+"!")
	require.Error(t, err)
	all = s.take()
	require.Len(t, all, 1)
	assert.NotContains(t, attributes(all[0]), "credential_resolver.guid")
}

func TestABulkRequestIsOneSpan(t *testing.T) {
	w, s := traced(t)
	w.config("c", `{"credentialSource":"agent","secret-path":"b","password":"pw"}`)
	w.config("d", `{"credentialSource":"agent","secret-path":"none","password":"pw"}`)
	w.secrets(`{"b":{"pw":"s3cret"}}`)
	_, err := bulk(w.open(map[string]string{"allowBulk": "true"}))
	require.NoError(t, err)
	all := s.take()
	request := all[len(all)-1]
	assert.Equal(t, "bulk", request.Name)
	assert.Equal(t, map[string]string{
		"rpc.system.name": "grpc", "rpc.method": "dapr.proto.components.v1.SecretStore/BulkGet", "rpc.response.status_code": "OK",
		"credential_resolver.component": "credentials",
	}, attributes(request))
	require.Len(t, request.Events, 1)
	assert.Equal(t, "left out", request.Events[0].Name)
	assert.Contains(t, request.Events[0].Attributes, attribute.String("credential_resolver.guid", "d"))
	for _, call := range all[:len(all)-1] {
		assert.Equal(t, request.SpanContext.SpanID(), call.Parent.SpanID())
	}
	assert.Len(t, named(all, "secretStore"), 2)
}

func TestASavedCredentialIsASpan(t *testing.T) {
	w, s := traced(t)
	w.secrets(`{}`)
	_, err := save(binding(t, w.open(map[string]string{"environment": "local"})), `{"a":1}`)
	require.NoError(t, err)
	all := s.take()
	require.Len(t, all, 2)
	assert.Equal(t, "configStore", all[0].Name)
	assert.Equal(t, "save", all[1].Name)
	assert.Equal(t, "dapr.proto.components.v1.OutputBinding/Invoke", attributes(all[1])["rpc.method"])
	assert.NotEmpty(t, attributes(all[1])["credential_resolver.guid"])
}

func TestARequestThatIsSampledOutMakesNoSpan(t *testing.T) {
	w, s := newFileStores(t), newSpans(t, sdk.WithSampler(sdk.NeverSample()))
	w.observe(s.Tracing)
	w.config("c", `{"a":"b"}`)
	w.secrets(`{}`)
	_, err := get(w.open(nil), "c")
	require.NoError(t, err)
	assert.Empty(t, s.take())
	assert.Equal(t, t.Context(), s.Begin(t.Context(), component.Resolved), "nothing is carried along")
}

func TestARequestContinuesTheTraceOfItsCaller(t *testing.T) {
	w, s := traced(t)
	w.config("c", `{"a":"b"}`)
	w.secrets(`{}`)
	store := w.open(nil)
	const id, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for header, want := range map[string]struct{ sampled, child bool }{
		"00-" + id + "-" + parent + "-01": {true, true},
		"00-" + id + "-" + parent + "-00": {false, true},
		"00-" + canary.Secret:             {true, false},
	} {
		ctx := grpc.NewIncomingContext(t.Context(), grpc.Pairs("traceparent", header, "tracestate", "vendor=1"))
		_, err := store.GetSecret(ctx, secretstores.GetSecretRequest{Name: "c"})
		require.NoError(t, err)
		all := s.take()
		if !want.sampled {
			assert.Empty(t, all, "the caller has decided")
			continue
		}
		request := named(all, "resolve")[0]
		assert.Equal(t, want.child, request.SpanContext.TraceID().String() == id, header)
		assert.Equal(t, want.child, request.Parent.SpanID().String() == parent, header)
		assert.Equal(t, want.child, request.SpanContext.TraceState().Len() == 1, header)
	}
}

func TestNoSpanHasASecretOrItsName(t *testing.T) {
	for name, f := range failures() {
		t.Run(name, func(t *testing.T) {
			w, s := traced(t)
			store, guid := f.open(w)
			_, err := get(store, guid, f.metadata...)
			require.Error(t, err)
			_, _ = bulk(store, f.metadata...)
			text := fmt.Sprintf("%+v", s.take())
			assert.Contains(t, text, "credential_resolver.reason")
			canary.AssertNone(t, text)
		})
	}
}
