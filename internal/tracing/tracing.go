package tracing

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/dapr/kit/logger"
)

// flushTimeout is how long stop waits for the receiver to take the last spans.
const flushTimeout = 2 * time.Second

// The variables that are read here. The SDK and the exporters read the others.
const (
	sdkDisabled    = "OTEL_SDK_DISABLED"
	tracesExporter = "OTEL_TRACES_EXPORTER"
	sampler        = "OTEL_TRACES_SAMPLER"
	exporterPrefix = "OTEL_EXPORTER_OTLP_" // before TRACES_, which takes precedence, and the name
)

// Start returns a tracer whose spans go to the receiver that the environment names. If it names
// none, or if its variables are wrong, which is logged, the tracer is nil, and nothing runs in
// the background. stop sends the last spans, for at most 2 s.
//
// It sets OpenTelemetry's global error handler and logger, so a process calls it once.
func Start(ctx context.Context, service, version string, log logger.Logger) (tracer trace.Tracer, stop func()) {
	none := func() {}
	if !enabled() {
		return nil, none
	}
	client, err := newClient()
	if err != nil {
		log.Warnf("no traces are sent: %v", err)
		return nil, none
	}
	otel.SetLogger(logr.FromSlogHandler(complaints{log}))
	exporter, err := otlptrace.New(ctx, client())
	if err != nil {
		log.Warnf("no traces are sent: %s", words(err))
		return nil, none
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName(service), semconv.ServiceVersion(version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv()) // later ones take precedence
	if err != nil {
		log.Warn("OTEL_RESOURCE_ATTRIBUTES is not a list of name=value, separated by commas")
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {
		log.Warnf("%s or %[1]s_ARG is wrong: see docs/tracing.md", sampler)
	}))
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about))
	failures := newLost(log)
	otel.SetErrorHandler(failures)
	log.Info("traces are sent, as the OTEL_ variables of the environment say")
	return provider.Tracer(service, trace.WithInstrumentationVersion(version)), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			failures.Handle(err)
		}
	}
}

// enabled reports whether the environment asks for traces.
func enabled() bool {
	if strings.EqualFold(strings.TrimSpace(os.Getenv(sdkDisabled)), "true") {
		return false
	}
	if strings.EqualFold(strings.TrimSpace(os.Getenv(sampler)), "always_off") { // not even a traced caller gets spans
		return false
	}
	if exporter := strings.TrimSpace(os.Getenv(tracesExporter)); exporter != "" && exporter != "otlp" {
		return false
	}
	_, endpoint := setting("ENDPOINT")
	return endpoint != ""
}

// setting returns the value of a setting of the exporter, and the variable that has it.
func setting(name string) (variable, value string) {
	for _, variable = range []string{exporterPrefix + "TRACES_" + name, exporterPrefix + name} {
		if value = strings.TrimSpace(os.Getenv(variable)); value != "" {
			break
		}
	}
	return variable, value
}

// newClient checks the variables for which the exporters would silently use a default, and
// returns what makes the exporter's client. Its error has no value that may hold a password.
func newClient() (func() otlptrace.Client, error) {
	variable, endpoint := setting("ENDPOINT")
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s is not a URL such as http://localhost:4318", variable)
	}
	variable, file := setting("CERTIFICATE")
	if file != "" {
		if _, err := os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
	}
	variable, protocol := setting("PROTOCOL")
	switch protocol {
	case "http/protobuf", "":
		return func() otlptrace.Client { return otlptracehttp.NewClient() }, nil
	case "grpc":
		return func() otlptrace.Client { return otlptracegrpc.NewClient() }, nil
	default:
		return nil, fmt.Errorf("%s must be http/protobuf or grpc", variable)
	}
}
