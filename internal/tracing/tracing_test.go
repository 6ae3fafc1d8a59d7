package tracing_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"credential-resolver/internal/canary"
	"credential-resolver/internal/logtext"
	"credential-resolver/internal/tracing"
	"credential-resolver/test/waiting"
)

// start starts tracing with variables, each as name=value, and no other.
func start(t *testing.T, log *logtext.Text, variables ...string) (trace.Tracer, func()) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "OTEL_") {
			t.Setenv(name, "")
		}
	}
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	return tracing.Start(t.Context(), "credential-resolver", "v1.2.3", log.Logger(t.Name()))
}

// makeSpan makes a span of a name.
func makeSpan(tracer trace.Tracer, name string) {
	_, span := tracer.Start(context.Background(), name)
	span.End()
}

func TestWithoutAReceiverThereIsNoTracer(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"
	for name, variables := range map[string][]string{
		"no variable":       nil,
		"no endpoint":       {"OTEL_SERVICE_NAME=x", "OTEL_TRACES_SAMPLER=always_on"},
		"disabled":          {endpoint, "OTEL_SDK_DISABLED=True"},
		"a sampler of none": {endpoint, "OTEL_TRACES_SAMPLER=always_off"},
		"no exporter":       {endpoint, "OTEL_TRACES_EXPORTER=none"},
		"an empty endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT= "},
	} {
		t.Run(name, func(t *testing.T) {
			var log logtext.Text
			tracer, stop := start(t, &log, variables...)
			assert.Nil(t, tracer)
			stop()
			assert.Empty(t, log.String())
		})
	}
}

func TestAWrongVariableTurnsTracingOffAndIsLogged(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"
	for name, row := range map[string]struct {
		variables []string
		says      string
	}{
		"a host for a URL": {
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4317"}, "OTEL_EXPORTER_OTLP_ENDPOINT is not a URL such as http://localhost:4318",
		},
		"a password in what is no URL": {
			[]string{endpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://u:" + canary.Secret + "%@h"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not a URL",
		},
		"another protocol": {
			[]string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=http/json"}, `OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or grpc`,
		},
		"no certificate": {
			[]string{endpoint, "OTEL_EXPORTER_OTLP_CERTIFICATE=/none"}, "OTEL_EXPORTER_OTLP_CERTIFICATE: open /none: no such file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log logtext.Text
			tracer, stop := start(t, &log, row.variables...)
			defer stop()
			assert.Nil(t, tracer)
			assert.Contains(t, log.String(), row.says)
			canary.AssertNone(t, log.String())
		})
	}
}

func TestSpansArriveByEachProtocol(t *testing.T) {
	for protocol, serve := range map[string]func(*receiver, *testing.T) string{
		"http/protobuf": (*receiver).http, "grpc": (*receiver).grpc, "": (*receiver).http,
	} {
		t.Run(protocol, func(t *testing.T) {
			var log logtext.Text
			received := &receiver{}
			tracer, stop := start(t, &log, "OTEL_EXPORTER_OTLP_ENDPOINT="+serve(received, t), "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
				"OTEL_EXPORTER_OTLP_HEADERS=x-token="+canary.Secret, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test")
			require.NotNil(t, tracer)
			makeSpan(tracer, "one")
			stop() // which flushes
			about := received.spans["one"]
			assert.Equal(t, "credential-resolver", about["service.name"])
			assert.Equal(t, "v1.2.3", about["service.version"])
			assert.Equal(t, "test", about["deployment.environment.name"])
			assert.Equal(t, []string{canary.Secret}, received.headers)
			canary.AssertNone(t, log.String())
			assert.NotContains(t, log.String(), "level=warning")
			_, isSDK := otel.GetTracerProvider().(*sdk.TracerProvider)
			assert.False(t, isSDK, "a library that is instrumented must not find it")
		})
	}
}

func TestTheEnvironmentNamesTheService(t *testing.T) {
	var log logtext.Text
	received := &receiver{}
	tracer, stop := start(t, &log, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+received.http(t)+"/v1/traces", "OTEL_SERVICE_NAME=mine")
	require.NotNil(t, tracer)
	makeSpan(tracer, "one")
	stop()
	assert.Equal(t, "mine", received.spans["one"]["service.name"])
}

func TestTheEnvironmentChoosesTheSampler(t *testing.T) {
	received := &receiver{}
	endpoint := "OTEL_EXPORTER_OTLP_ENDPOINT=" + received.http(t)
	for sampler, arrives := range map[string]bool{"parentbased_always_off": false, "parentbased_traceidratio": false, "wrong": true} {
		var log logtext.Text
		tracer, stop := start(t, &log, endpoint, "OTEL_TRACES_SAMPLER="+sampler, "OTEL_TRACES_SAMPLER_ARG=0")
		require.NotNil(t, tracer)
		makeSpan(tracer, sampler)
		stop()
		_, arrived := received.spans[sampler]
		assert.Equal(t, arrives, arrived, sampler)
		assert.Equal(t, arrives, strings.Contains(log.String(), "OTEL_TRACES_SAMPLER or OTEL_TRACES_SAMPLER_ARG is wrong"), log.String())
	}
}

func TestWhatTheExporterIgnoresIsLoggedWithoutItsValue(t *testing.T) {
	var log logtext.Text
	certificate := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(certificate, []byte(canary.Secret), 0o600))
	_, stop := start(t, &log, "OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS="+canary.Secret,
		"OTEL_EXPORTER_OTLP_CERTIFICATE="+certificate, "OTEL_RESOURCE_ATTRIBUTES="+canary.Secret)
	stop()
	for _, says := range []string{"parse headers failed", "create tls cert pool failed", "OTEL_RESOURCE_ATTRIBUTES is not a list"} {
		assert.Contains(t, log.String(), says)
	}
	canary.AssertNone(t, log.String())
}

// unused returns an address at which nobody listens.
func unused(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return "http://" + listener.Addr().String()
}

func TestAReceiverThatFailsIsLoggedOnceAMinute(t *testing.T) {
	for name, row := range map[string]struct {
		endpoint func(t *testing.T, r *receiver) string
		answer   int
		says     string
	}{
		"refused":     {func(t *testing.T, _ *receiver) string { return unused(t) }, 0, "traces are lost: connection refused"},
		"not allowed": {func(t *testing.T, r *receiver) string { return r.http(t) }, http.StatusUnauthorized, "HTTP status 401"},
	} {
		t.Run(name, func(t *testing.T) {
			var log logtext.Text
			received := &receiver{answer: row.answer, words: canary.Words}
			tracer, stop := start(t, &log, "OTEL_EXPORTER_OTLP_ENDPOINT="+row.endpoint(t, received), "OTEL_BSP_SCHEDULE_DELAY=1")
			for range 3 {
				makeSpan(tracer, canary.Secret)
			}
			require.Eventually(t, func() bool { return strings.Contains(log.String(), row.says) }, waiting.Long, time.Millisecond, log.String())
			makeSpan(tracer, canary.Secret)
			stop()
			assert.Equal(t, 1, strings.Count(log.String(), "traces are lost"), log.String())
			canary.AssertNone(t, log.String())
		})
	}
}

// A receiver that hangs must not hold up the end of the process.
func TestStopWaitsTwoSecondsForTheReceiver(t *testing.T) {
	var log logtext.Text
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // which accepts nothing
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	tracer, stop := start(t, &log, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+listener.Addr().String())
	makeSpan(tracer, "one")
	began := time.Now()
	stop()
	assert.GreaterOrEqual(t, time.Since(began), 2*time.Second)
	assert.Contains(t, log.String(), "traces are lost: the receiver did not answer in time")
}
