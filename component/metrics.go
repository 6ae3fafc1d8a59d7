package component

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
)

// Metrics count the events of all components in one process. Their labels contain no GUID and
// no secret name.
type Metrics struct {
	requests      *prometheus.CounterVec
	ok            [CacheStale + 1]prometheus.Counter // the requests with code OK, by state of the cache
	storeCalls    *prometheus.HistogramVec
	refreshes     *prometheus.CounterVec
	staleAge      recentMax
	labels        storeLabels
	registerer    prometheus.Registerer
	unknownSource prometheus.Counter
	unusedSecrets prometheus.Counter
	bulkLeftOut   *prometheus.CounterVec
	staleAnswers  prometheus.Counter
	cacheHits     prometheus.Counter
}

var _ Observer = (*Metrics)(nil)

// NewMetrics creates the metrics and registers them with registerer.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		registerer: registerer,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "credential_resolver_requests_total",
			Help: "Requests to read or save credentials, by the gRPC code of the answer and by what the cache had. " +
				"A request that the cache was not asked for has none.",
		}, []string{"code", "cache"}),
		storeCalls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "credential_resolver_store_call_duration_seconds",
			Help:    "Durations of attempts to call stores, by store and gRPC code. NotFound is a missing config or secret.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},

			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"store", "code"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "credential_resolver_refreshes_total",
			Help: "Background refreshes of cached credentials, by gRPC code.",
		}, []string{"code"}),
		unknownSource: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "credential_resolver_unknown_source_total",
			Help: "Resolved configs whose credentialSource is neither direct nor agent; it is treated as direct.",
		}),
		unusedSecrets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "credential_resolver_unused_secrets_total",
			Help: "Resolved configs in which a value names a secret, but no entry of the secret was used; the value is unchanged.",
		}),
		bulkLeftOut: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "credential_resolver_bulk_left_out_total",
			Help: "Credentials that were left out of answers to bulk requests, by the gRPC code of the failure.",
		}, []string{"code"}),
		staleAnswers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "credential_resolver_stale_answers_total",
			Help: "Requests that got the last good credential, because a store was down or slow, or because the credential changed during each read.",
		}),
		cacheHits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "credential_resolver_cache_hits_total",
			Help: "Requests for one credential that were answered without waiting for a store.",
		}),
	}
	for state := range m.ok {
		m.ok[state] = m.requests.WithLabelValues(codes.OK.String(), CacheState(state).String())
	}
	m.refreshes.WithLabelValues(codes.OK.String())
	registerer.MustRegister(m.requests, m.unknownSource, m.unusedSecrets, m.bulkLeftOut, m.staleAnswers, m.cacheHits,
		m.storeCalls, m.refreshes, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "credential_resolver_stale_answer_age_seconds",
			Help: "Age of the oldest credential that was answered stale in the last one to two minutes; 0 if there was none.",
		}, func() float64 { return m.staleAge.get(time.Now()).Seconds() }))
	return m
}

// Watch adds the metrics of a component's state.
func (m *Metrics) Watch(c *Component) {
	m.registerer.MustRegister(&stateCollector{component: c, labels: &m.labels})
}

// Observe implements Observer.
func (m *Metrics) Observe(_ context.Context, e Event) {
	switch e.Kind {
	case Resolved:
		m.resolved(e)
	case BulkAnswered, Saved:
		m.answered(e)
	case LeftOut:
		m.bulkLeftOut.WithLabelValues(e.Code().String()).Inc()
	case ServedStale:
		m.staleAnswers.Inc()
		m.staleAge.add(time.Now(), e.Age)
	case StoreCalled:
		m.storeCalls.WithLabelValues(m.labels.of(e.Store), e.Code().String()).Observe(e.Took.Seconds())
	case Refreshed:
		m.refreshes.WithLabelValues(e.Code().String()).Inc()
	case UnknownSource:
		m.unknownSource.Inc()
	case UnusedSecret:
		m.unusedSecrets.Inc()
	case ConfigRead, InstanceCame, InstanceWent: // not counted; Watch counts the instances
	}
}

// resolved counts a request for one credential. A bulk request counts as one request, so its
// single credentials are not counted.
func (m *Metrics) resolved(e Event) {
	if e.InBulk {
		return
	}
	m.answered(e)
	if e.Err == nil && !e.Waited && (e.Cache == CacheHit || e.Cache == CacheStale) {
		m.cacheHits.Inc()
	}
}

func (m *Metrics) answered(e Event) {
	if e.Err == nil && int(e.Cache) < len(m.ok) {
		m.ok[e.Cache].Inc()
		return
	}
	m.requests.WithLabelValues(e.Code().String(), e.Cache.String()).Inc()
}
