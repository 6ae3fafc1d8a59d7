//go:build e2e && stores

package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"credential-resolver/test/harness"
)

// TestStoreTraces sends spans to a real OpenTelemetry Collector, with Redis and OpenBao as stores.
// Nothing that arrives may have a secret, the name of one, or an address of a store: a library of
// a store that made spans of its own would send them.
func TestStoreTraces(t *testing.T) {
	t.Parallel()
	v := startVault(t, harness.OpenBao())
	redis, err := harness.StartRedis(t.Context(), "admin-canary-2f6d")
	require.NoError(t, err)
	t.Cleanup(redis.Remove)
	v.write(t, "secret", "name-canary-51c7", map[string]any{"pw": vaultCanary})
	_, err = redis.Do(t.Context(), "SET", "myapp||traced", `{"credentialSource":"agent","secret-path":"name-canary-51c7","password":"pw"}`)
	require.NoError(t, err)
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) { v.traces(t, redis, protocol) })
	}
}

func (v *vaultStore) traces(t *testing.T, redis *harness.Redis, protocol string) {
	collector, err := harness.StartCollector(t.Context(), binary(t, "OTELCOL", "otelcol"))
	if collector != nil {
		t.Cleanup(collector.Remove)
	}
	require.NoError(t, err)
	component := v.component(t, "credentials", map[string]any{
		"configStore": "state.redis", "configStore.redisHost": redis.Address, "configStore.redisPassword": redis.Password,
		"configKey": "myapp||{guid}", "cacheTTL": "1m",
	})
	delete(component.metadata, "configStore.rootPath")
	side := startSidecar(t, harness.ComponentOptions{Env: []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.Endpoint(protocol), "OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol,
		"OTEL_SERVICE_NAME=traced", "OTEL_BSP_SCHEDULE_DELAY=100",
	}}, component)
	for range 2 { // the second is a hit
		r, err := ask(t.Context(), side.daprd, "credentials", "traced")
		require.NoError(t, err)
		require.Equal(t, vaultCanary, r.entries["password"], r.message)
	}
	r, err := ask(t.Context(), side.daprd, "credentials", "none")
	require.NoError(t, err)
	require.Contains(t, r.message, "NotFound")
	require.NoError(t, side.component.Stop()) // which sends the last spans
	const want = 6
	require.Eventually(t, func() bool { return len(collector.Spans()) >= want }, patience, tick, collector.Log())

	var roots []harness.Span
	calls := map[string][]string{} // by their parent
	for _, span := range collector.Spans() {
		require.Equal(t, "traced", span.Resource["service.name"])
		switch span.Name {
		case "resolve":
			require.Empty(t, span.Parent, "daprd passes on no trace")
			require.Equal(t, "Server", span.Kind)
			roots = append(roots, span)
		case "configStore", "secretStore":
			require.Equal(t, "Client", span.Kind)
			calls[span.Parent] = append(calls[span.Parent], span.Name+" "+span.Attributes["credential_resolver.store.type"])
		default:
			require.Fail(t, "a span of another", span.Name)
		}
	}
	require.Len(t, roots, 3)
	require.Equal(t, []string{"configStore state.redis", "secretStore secretstores.hashicorp.vault"}, calls[roots[0].ID])
	require.Equal(t, "miss", roots[0].Attributes["credential_resolver.cache"])
	require.Equal(t, "multi-key", roots[0].Attributes["credential_resolver.mode"])
	require.Empty(t, calls[roots[1].ID])
	require.Equal(t, "hit", roots[1].Attributes["credential_resolver.cache"])
	require.Equal(t, []string{"configStore state.redis"}, calls[roots[2].ID])
	require.Equal(t, "NOT_FOUND", roots[2].Attributes["rpc.response.status_code"])
	for _, secret := range []string{"canary", v.Address, redis.Address} {
		require.NotContains(t, collector.Log(), secret)
	}
	require.False(t, strings.Contains(side.component.Log(), "traces are lost"))
}

// TestStoreTracesAreLost runs without the receiver that the environment names. That costs the
// application nothing, and is logged once.
func TestStoreTracesAreLost(t *testing.T) {
	t.Parallel()
	ports, err := harness.TakePorts(1)
	require.NoError(t, err)
	defer ports.Release()
	s := oneCredential(t)
	side := startSidecar(t, harness.ComponentOptions{Env: []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" + strconv.Itoa(ports.Numbers[0]), "OTEL_BSP_SCHEDULE_DELAY=10",
	}}, credentials("credentials", s.metadata(nil)))
	requireServes(t, side.daprd)
	requireSaid(t, side.component, "traces are lost: connection refused")
	for range 20 {
		requireServes(t, side.daprd)
	}
	require.NoError(t, side.component.Signal(unix.SIGTERM))
	requireEnds(t, side.component.Process, "the component waits for a receiver")
	require.Equal(t, 1, count(side.component, "traces are lost"))
}
