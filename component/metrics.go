package component

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
)

// Metrics count the events of all components in one process. Their labels contain no GUID and
// no secret name.
type Metrics struct {
	requests      *prometheus.CounterVec
	ok            prometheus.Counter // the requests with code OK
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
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "credential_resolver_requests_total",
			Help: "Requests to read or save credentials, by the gRPC code of the answer.",
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
	m.ok = m.requests.WithLabelValues(codes.OK.String())
	registerer.MustRegister(m.requests, m.unknownSource, m.unusedSecrets, m.bulkLeftOut, m.staleAnswers, m.cacheHits)
	return m
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
	case UnknownSource:
		m.unknownSource.Inc()
	case UnusedSecret:
		m.unusedSecrets.Inc()
	case StoreCalled, Refreshed, InstanceCame, InstanceWent: // not counted
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
	if e.Err == nil {
		m.ok.Inc()
		return
	}
	m.requests.WithLabelValues(e.Code().String()).Inc()
}
