package component

import (
	"github.com/prometheus/client_golang/prometheus"

	"credential-resolver/internal/audit"
)

// AuditMetrics count the lines of the audit log.
type AuditMetrics struct{ lines, lost, failures prometheus.Counter }

var _ audit.Counter = (*AuditMetrics)(nil)

// NewAuditMetrics creates the metrics and registers them with registerer.
func NewAuditMetrics(registerer prometheus.Registerer) *AuditMetrics {
	m := &AuditMetrics{
		lines: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "credential_resolver_audit_lines_total",
			Help: "Lines that were written to the audit log.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "credential_resolver_audit_lost_total",
			Help: "Lines that could not be written to the audit log, and were lost.",
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "credential_resolver_audit_write_errors_total",
			Help: "Failed attempts to write, sync or open the audit log.",
		}),
	}
	registerer.MustRegister(m.lines, m.lost, m.failures)
	return m
}

// Wrote implements audit.Counter.
func (m *AuditMetrics) Wrote(lines int) { m.lines.Add(float64(lines)) }

// Lost implements audit.Counter.
func (m *AuditMetrics) Lost(lines int) { m.lost.Add(float64(lines)) }

// Failed implements audit.Counter.
func (m *AuditMetrics) Failed() { m.failures.Inc() }
