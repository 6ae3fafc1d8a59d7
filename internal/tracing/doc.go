// Package tracing sends spans to an OTLP receiver, if OpenTelemetry's standard environment
// variables name one. It knows nothing of what the spans are about.
//
// It does not set OpenTelemetry's global tracer provider: libraries that are instrumented must
// not add spans of their own, which may have the names of secrets.
package tracing
