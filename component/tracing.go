package component

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otel "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	proto "github.com/dapr/dapr/pkg/proto/components/v1"
)

// The attributes of spans, besides those of OpenTelemetry's conventions. None of them has a
// value of a credential, or the name of a secret, not even hashed.
const (
	attrComponent = attribute.Key("credential_resolver.component") // the Component's name
	attrGUID      = attribute.Key("credential_resolver.guid")
	attrCache     = attribute.Key("credential_resolver.cache")       // what the cache had
	attrStale     = attribute.Key("credential_resolver.stale")       // the gRPC code of the failure that a stale answer hides
	attrAge       = attribute.Key("credential_resolver.age")         // of a stale answer, in seconds
	attrSource    = attribute.Key("credential_resolver.source")      // of the config that was read
	attrMode      = attribute.Key("credential_resolver.mode")        // of the config that was read
	attrReason    = attribute.Key("credential_resolver.reason")      // the public text of a failure
	attrStore     = attribute.Key("credential_resolver.store.label") // which store of the Component
	attrStoreType = attribute.Key("credential_resolver.store.type")
	attrAttempt   = attribute.Key("credential_resolver.attempt") // at one call to a store, from 1
	attrQueued    = attribute.Key("credential_resolver.queued")  // how long the attempt was queued, in seconds
	attrCode      = attribute.Key("credential_resolver.code")    // the gRPC code of an attempt, or of a credential in a bulk request
)

// Tracing makes a span of each request and of each background refresh, and a child of it for
// each attempt at a store. A read that several requests share belongs to the request that
// began it. Spans hold no value of a credential and no name of a secret.
type Tracing struct {
	tracer trace.Tracer
	begin  map[EventKind]beginning
}

var (
	_ Observer = (*Tracing)(nil)
	_ Beginner = (*Tracing)(nil)
)

// beginning is how the span of a request or a refresh begins.
type beginning struct {
	name    string
	options []trace.SpanStartOption
}

// NewTracing returns an observer that makes its spans with tracer.
func NewTracing(tracer trace.Tracer) *Tracing {
	request := func(name, method string) beginning {
		return beginning{name, []trace.SpanStartOption{
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(semconv.RPCSystemNameGRPC, semconv.RPCMethod(strings.TrimPrefix(method, "/"))),
		}}
	}
	return &Tracing{tracer, map[EventKind]beginning{
		Resolved:     request("resolve", proto.SecretStore_Get_FullMethodName),
		BulkAnswered: request("bulk", proto.SecretStore_BulkGet_FullMethodName),
		Saved:        request("save", proto.OutputBinding_Invoke_FullMethodName),
		Refreshed:    {"refresh", []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindInternal)}},
	}}
}

// spanKey is the key of a span in a context. It is not OpenTelemetry's own key, so that a
// store's library cannot find the span. If the library is instrumented, it would add spans to
// the trace, and a URL in one may have the name of a secret.
type spanKey struct{}

// operation is the span of a request or a background refresh.
type operation struct {
	trace.Span

	kind EventKind
}

// Begin implements Beginner.
func (t *Tracing) Begin(ctx context.Context, kind EventKind) context.Context {
	begin := t.begin[kind]
	_, span := t.tracer.Start(callersTrace(ctx), begin.name, begin.options...)
	if !span.IsRecording() { // sampled out, and so are the calls to stores
		return ctx
	}
	return context.WithValue(ctx, spanKey{}, operation{span, kind})
}

// callersTrace returns a context with the trace of the caller, if it sent one as gRPC metadata,
// and nothing else.
func callersTrace(ctx context.Context) context.Context {
	parent := metadata.ValueFromIncomingContext(ctx, "traceparent")
	if len(parent) == 0 {
		return context.Background()
	}
	headers := propagation.MapCarrier{
		"traceparent": parent[0],
		"tracestate":  strings.Join(metadata.ValueFromIncomingContext(ctx, "tracestate"), ","),
	}
	return propagation.TraceContext{}.Extract(context.Background(), headers)
}

// Observe implements Observer.
func (t *Tracing) Observe(ctx context.Context, e Event) {
	of, ok := ctx.Value(spanKey{}).(operation)
	if !ok {
		return
	}
	switch e.Kind {
	case Resolved:
		if !e.InBulk {
			of.end(e, attrCache.String(e.Cache.String()))
		}
	case BulkAnswered, Saved, Refreshed:
		of.end(e)
	case LeftOut:
		of.AddEvent("left out", trace.WithAttributes(attrGUID.String(e.GUID), attrCode.String(e.Code().String()), attrReason.String(e.Err.Error())))
	case ServedStale:
		of.SetAttributes(attrStale.String(e.Code().String()), attrAge.Float64(e.Age.Seconds()))
	case ConfigRead:
		if of.kind != BulkAnswered { // that reads many
			of.SetAttributes(attrSource.String(string(e.Source)), attrMode.String(string(e.Mode)))
		}
	case StoreCalled:
		t.storeCalled(of.SpanContext(), e)
	case UnknownSource, UnusedSecret, InstanceCame, InstanceWent: // for the log
	}
}

// end ends the span of a request or a refresh.
func (o operation) end(e Event, attributes ...attribute.KeyValue) {
	attributes = append(attributes, attrComponent.String(e.Component))
	if e.GUID != "" {
		attributes = append(attributes, attrGUID.String(e.GUID))
	}
	if o.kind != Refreshed {
		attributes = append(attributes, semconv.RPCResponseStatusCode(canonical(e.Code())))
	}
	if e.Err != nil {
		attributes = append(attributes, attrReason.String(e.Err.Error()))
	}
	if code := e.Code(); isServerError(code) {
		attributes = append(attributes, semconv.ErrorTypeKey.String(canonical(code)))
		o.SetStatus(otel.Error, e.Err.Error())
	}
	o.SetAttributes(attributes...)
	o.End()
}

// storeCalled makes the span of an attempt at a store, which ends now.
func (t *Tracing) storeCalled(parent trace.SpanContext, e Event) {
	now := time.Now()
	_, span := t.tracer.Start(trace.ContextWithSpanContext(context.Background(), parent), e.Store,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(now.Add(-e.Took)),
		trace.WithAttributes(
			attrStore.String(e.Store), attrStoreType.String(e.StoreType), attrAttempt.Int(e.Attempt),
			attrQueued.Float64(e.Queued.Seconds()), attrCode.String(e.Code().String()),
		))
	if code := e.Code(); code != codes.OK && code != codes.NotFound { // a value that is no secret is not found
		span.SetAttributes(semconv.ErrorTypeKey.String(code.String()))
		span.SetStatus(otel.Error, "")
	}
	span.End(trace.WithTimestamp(now))
}

// isServerError reports whether OpenTelemetry's conventions call a gRPC code an error of the
// server.
func isServerError(code codes.Code) bool {
	switch code {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	default:
		return false
	}
}

// canonical returns a code in the spelling of OpenTelemetry's conventions, such as "NOT_FOUND".
func canonical(code codes.Code) string {
	var b strings.Builder
	name := code.String()
	for i := range len(name) {
		if i > 0 && 'A' <= name[i] && name[i] <= 'Z' && 'a' <= name[i-1] && name[i-1] <= 'z' {
			b.WriteByte('_')
		}
		b.WriteByte(name[i])
	}
	return strings.ToUpper(b.String())
}
