package component_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/secretstores"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/resolver/credential"
)

// watched returns stores whose metrics have the component's state too.
func watched(t *testing.T) *fileStores {
	t.Helper()
	w := newFileStores(t)
	w.metrics = prometheus.NewRegistry()
	metrics := component.NewMetrics(w.metrics)
	w.observe(metrics)
	metrics.Watch(w.made)
	return w
}

// series returns the metrics of a name, by their labels.
func series(t *testing.T, registry *prometheus.Registry, name string) map[string]*dto.Metric {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	all := map[string]*dto.Metric{}
	for _, family := range families {
		if family.GetName() != "credential_resolver_"+name {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := ""
			for _, l := range metric.GetLabel() {
				labels += l.GetValue() + " "
			}
			all[labels] = metric
		}
	}
	return all
}

// values returns the values of the counters or gauges of a name, by their labels.
func values(t *testing.T, registry *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for labels, m := range series(t, registry, name) {
		all[labels] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return all
}

func TestRequestsAreCountedByWhatTheCacheHad(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"a":"b"}`)
	w.secrets(`{}`)
	store := w.open(map[string]string{"cacheTTL": "1m"})
	for _, guid := range []string{"c", "c", "c", "none", "none", "not a GUID"} {
		_, _ = get(store, guid)
	}
	assert.Equal(t, map[string]float64{
		"none OK ": 0, "miss OK ": 1, "hit OK ": 2, "stale OK ": 0,
		"miss NotFound ": 1, "negative NotFound ": 1, "none InvalidArgument ": 1,
	}, values(t, w.metrics, "requests_total"))
}

func TestCallsToStoresAreMeasured(t *testing.T) {
	w := newFileStores(t)
	w.config("c", `{"credentialSource":"agent","password":"pw","user":"literal"}`)
	w.secrets(`{"pw":{"value":"s"}}`)
	_, err := get(w.open(nil), "c")
	require.NoError(t, err)
	calls := series(t, w.metrics, "store_call_duration_seconds")
	require.Len(t, calls, 3)
	for _, labels := range []string{"OK configStore ", "OK secretStore ", "NotFound secretStore "} {
		h := calls[labels].GetHistogram()
		assert.Equal(t, uint64(1), h.GetSampleCount(), labels)
		assert.Positive(t, h.GetSampleSum(), labels)
		assert.Len(t, h.GetBucket(), 12, "for a Prometheus without native histograms")
		assert.NotEmpty(t, h.GetPositiveSpan(), "a native histogram")
	}
}

func TestLabelsOfStoresAreLimited(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := component.NewMetrics(registry)
	for range 2 {
		for i := range 50 {
			metrics.Observe(t.Context(), component.Event{Kind: component.StoreCalled, Store: fmt.Sprint("secretStores.", i)})
		}
	}
	calls := series(t, registry, "store_call_duration_seconds")
	assert.Len(t, calls, 33)
	assert.Equal(t, uint64(2), calls["OK secretStores.0 "].GetHistogram().GetSampleCount())
	assert.Equal(t, uint64(2*(50-32)), calls["OK other "].GetHistogram().GetSampleCount())
}

func TestTheOldestStaleAnswerIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		metrics := component.NewMetrics(registry)
		age := func() float64 { return values(t, registry, "stale_answer_age_seconds")[""] }
		assert.Zero(t, age())
		for _, seconds := range []time.Duration{60, 300, 90} {
			metrics.Observe(t.Context(), component.Event{Kind: component.ServedStale, Age: seconds * time.Second})
		}
		for range 2 {
			assert.Equal(t, 300.0, age(), "a scrape changes nothing")
		}
		<-time.After(59 * time.Second)
		metrics.Observe(t.Context(), component.Event{Kind: component.ServedStale, Age: time.Second})
		<-time.After(time.Second)
		assert.Equal(t, 300.0, age())
		metrics.Observe(t.Context(), component.Event{Kind: component.ServedStale, Age: 2 * time.Second})
		<-time.After(time.Minute)
		assert.Equal(t, 2.0, age())
		<-time.After(2 * time.Minute)
		assert.Zero(t, age())
	})
}

func TestRefreshesAreCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := component.NewMetrics(registry)
	metrics.Observe(t.Context(), component.Event{Kind: component.Refreshed})
	metrics.Observe(t.Context(), component.Event{Kind: component.Refreshed, Err: &credential.Error{Kind: credential.Unavailable}})
	assert.Equal(t, map[string]float64{"OK ": 1, "Unavailable ": 1}, values(t, registry, "refreshes_total"))
}

func TestMetricsShowTheStateOfTheComponent(t *testing.T) {
	w := watched(t)
	w.config("c", `{"a":"b"}`)
	w.secrets(`{}`)
	one := func(name string) float64 { return values(t, w.metrics, name)[""] }
	assert.Zero(t, one("instances"))
	var stores []secretstores.SecretStore
	for range 2 {
		store := w.open(map[string]string{"cacheTTL": "1m"})
		_, err := get(store, "c")
		require.NoError(t, err)
		stores = append(stores, store)
	}
	assert.Equal(t, 2.0, one("instances"))
	assert.Equal(t, map[string]float64{
		"connected configStore ": 2, "connecting configStore ": 0, "connected secretStore ": 2, "connecting secretStore ": 0,
	}, values(t, w.metrics, "store_connections"))
	assert.Empty(t, values(t, w.metrics, "store_breakers"), "a file has none")
	assert.Equal(t, 1.0, one("cache_entries"), "they share a cache")
	assert.Positive(t, one("cache_bytes"))
	for _, store := range stores {
		require.NoError(t, store.Close())
	}
	assert.Zero(t, one("instances"))
	assert.Empty(t, values(t, w.metrics, "store_connections"))
	assert.Equal(t, 1.0, one("cache_entries"), "the cache outlives them")
}

func TestAStoreThatIsNotUpIsConnecting(t *testing.T) {
	w := watched(t)
	w.open(map[string]string{
		"configStore": "state.redis", "configStore.redisHost": "127.0.0.1:1", "configStore.rootPath": "", "configKey": "",
	})
	assert.Equal(t, map[string]float64{
		"connected configStore ": 0, "connecting configStore ": 1, "connected secretStore ": 0, "connecting secretStore ": 1,
	}, values(t, w.metrics, "store_connections"), "there is no file of secrets either")
	assert.Equal(t, map[string]float64{
		"closed configStore ": 1, "half-open configStore ": 0, "open configStore ": 0,
	}, values(t, w.metrics, "store_breakers"))
}

func TestMetricsContainNoSecretAndNoGUID(t *testing.T) {
	const guid = "guid-in-no-metric"
	w := watched(t)
	w.config(guid, `{"credentialSource":"agent","password":"pw","key":"`+canary.Reference+`"}`)
	w.config("odd", `{"credentialSource":"`+canary.Secret+`"}`)
	w.secrets(`{"pw":{"value":"` + canary.Secret + `"},"` + canary.Reference + `":{"a":"` + canary.Secret + `","b":"x"}}`)
	store := w.open(map[string]string{"allowBulk": "true", "cacheTTL": "1m"})
	for _, guid := range []string{guid, guid, "odd", "none", canary.Secret + " "} {
		_, _ = get(store, guid)
	}
	_, err := bulk(store)
	require.NoError(t, err)
	w.secrets(`not JSON ` + canary.Secret)
	require.NoError(t, os.RemoveAll(w.configs))
	_, _ = get(store, guid, "refresh", "true")
	_, _ = get(store, "odd", "rejected", canary.Secret)
	var text bytes.Buffer
	families, err := w.metrics.Gather()
	require.NoError(t, err)
	for _, family := range families {
		_, err := expfmt.MetricFamilyToText(&text, family)
		require.NoError(t, err)
		text.WriteString(family.String()) // native histograms have no text format
	}
	require.Contains(t, text.String(), "credential_resolver_store_call_duration_seconds")
	canary.AssertNone(t, text.String())
	assert.NotContains(t, text.String(), guid)
}
