package component

import (
	"github.com/prometheus/client_golang/prometheus"

	"credential-resolver/backend/store"
)

// BuildInfo is the name of the metric that says which build is running. The command line
// knows the versions, and declares it.
const BuildInfo = "credential_resolver_build_info"

// The metrics of the component's state. They are read at each scrape.
var (
	instancesDesc = prometheus.NewDesc("credential_resolver_instances",
		"Component instances that are initialised, of all daprds.", nil, nil)
	connectionsDesc = prometheus.NewDesc("credential_resolver_store_connections",
		"Stores by whether they have been connected. A store that goes down later stays connected.", []string{"store", "state"}, nil)
	breakersDesc = prometheus.NewDesc("credential_resolver_store_breakers",
		"Circuit breakers of stores, by state. While one is open, the store is not called.", []string{"store", "state"}, nil)
	cacheEntriesDesc = prometheus.NewDesc("credential_resolver_cache_entries",
		"Credentials in the caches.", nil, nil)
	cacheBytesDesc = prometheus.NewDesc("credential_resolver_cache_bytes",
		"Estimated memory of the credentials in the caches, in bytes.", nil, nil)
)

// stateCollector reads the state of a component at each scrape.
type stateCollector struct {
	component *Component
	labels    *storeLabels
}

var _ prometheus.Collector = (*stateCollector)(nil)

// Describe implements prometheus.Collector.
func (*stateCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{instancesDesc, connectionsDesc, breakersDesc, cacheEntriesDesc, cacheBytesDesc} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(metrics chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	instances := c.component.Status()
	entries, bytes := c.component.cached()
	send(instancesDesc, float64(len(instances)))
	send(cacheEntriesDesc, float64(entries))
	send(cacheBytesDesc, float64(bytes))
	for of, n := range c.count(instances) {
		send(of.desc, float64(n), of.store, of.state)
	}
}

// series is one line of a metric about stores.
type series struct {
	desc         *prometheus.Desc
	store, state string
}

// count counts the stores of all instances by label and state. States that no store is in are
// zero, so that a line does not end when a state does.
func (c *stateCollector) count(instances []InstanceStatus) map[series]int {
	counts := map[series]int{}
	add := func(desc *prometheus.Desc, label, state string, all ...string) {
		for _, one := range all {
			counts[series{desc, label, one}] += 0
		}
		counts[series{desc, label, state}]++
	}
	for _, in := range instances {
		for _, s := range in.Stores {
			label, state := c.labels.of(s.Label), "connecting"
			if s.Connected {
				state = "connected"
			}
			add(connectionsDesc, label, state, "connected", "connecting")
			if s.Breaker != store.NoBreaker {
				add(breakersDesc, label, string(s.Breaker),
					string(store.BreakerClosed), string(store.BreakerHalfOpen), string(store.BreakerOpen))
			}
		}
	}
	return counts
}
