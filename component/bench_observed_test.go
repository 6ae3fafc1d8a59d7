package component_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dapr/kit/logger"

	"credential-resolver/component"
	"credential-resolver/internal/audit"
)

// BenchmarkHitObserved is a hit with each observer that serve may have. The spans of traces go
// to nobody.
func BenchmarkHitObserved(b *testing.B) {
	b.Run("off", func(b *testing.B) { benchmarkGet(b, "1h") })
	b.Run("metrics", func(b *testing.B) { benchmarkGet(b, "1h", newMetrics()) })
	b.Run("tracing, nothing sampled", func(b *testing.B) { benchmarkGet(b, "1h", newTracing(b, sdk.NeverSample())) })
	b.Run("tracing", func(b *testing.B) { benchmarkGet(b, "1h", newTracing(b, sdk.AlwaysSample())) })
	b.Run("audit", func(b *testing.B) { benchmarkAudited(b, "1h", newAuditLog(b, false)) })
	b.Run("audit, required", func(b *testing.B) { benchmarkAudited(b, "1h", newAuditLog(b, true)) })
	b.Run("all", func(b *testing.B) {
		benchmarkAudited(b, "1h", newAuditLog(b, false), newMetrics(), newTracing(b, sdk.AlwaysSample()))
	})
}

// newAuditLog returns an audit log in a file.
func newAuditLog(b *testing.B, required bool) *audit.Writer {
	b.Helper()
	keys, err := audit.NewKeys(make([]byte, audit.KeySize))
	require.NoError(b, err)
	file, err := audit.OpenFile(filepath.Join(b.TempDir(), "audit.log"))
	require.NoError(b, err)
	log, err := audit.NewWriter(audit.Options{
		Keys: keys, File: file, Required: required, Log: logger.NewLogger("bench"),
		Counter: component.NewAuditMetrics(prometheus.NewRegistry()),
	})
	require.NoError(b, err)
	b.Cleanup(log.Close)
	return log
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
