package component_test

import (
	"context"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"credential-resolver/component"
)

// BenchmarkHitObserved is a hit with each observer that serve may have. The spans of traces go
// to nobody.
func BenchmarkHitObserved(b *testing.B) {
	b.Run("off", func(b *testing.B) { benchmarkGet(b, "1h") })
	b.Run("metrics", func(b *testing.B) { benchmarkGet(b, "1h", newMetrics()) })
	b.Run("tracing, nothing sampled", func(b *testing.B) { benchmarkGet(b, "1h", newTracing(b, sdk.NeverSample())) })
	b.Run("tracing", func(b *testing.B) { benchmarkGet(b, "1h", newTracing(b, sdk.AlwaysSample())) })
	b.Run("all", func(b *testing.B) { benchmarkGet(b, "1h", newMetrics(), newTracing(b, sdk.AlwaysSample())) })
}

func newTracing(b *testing.B, sampler sdk.Sampler) component.Observer {
	b.Helper()
	provider := sdk.NewTracerProvider(sdk.WithSampler(sampler), sdk.WithBatcher(discard{}))
	b.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return component.NewTracing(provider.Tracer("bench"))
}

// discard is an exporter that sends nothing.
type discard struct{}

var _ sdk.SpanExporter = discard{}

// ExportSpans implements sdk.SpanExporter.
func (discard) ExportSpans(context.Context, []sdk.ReadOnlySpan) error { return nil }

// Shutdown implements sdk.SpanExporter.
func (discard) Shutdown(context.Context) error { return nil }
