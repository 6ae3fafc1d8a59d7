package cli

import (
	"encoding/json"
	"io"
	"net/http"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/component/pluggable"
)

// alive answers /healthz: the process runs. "credential-resolver healthcheck" asks the
// component itself.
func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

// health answers /readyz. The component is ready while it serves and has not been told to
// stop. A store that is down does not make it unready: last good answers still work, and a pod
// that is taken out of service would lose them. The answer names the store.
type health struct {
	phase     func() pluggable.Phase
	instances func() []component.InstanceStatus
}

// readiness is the answer of /readyz.
type readiness struct {
	// Phase is "starting", "serving" or "stopping".
	Phase string `json:"phase"`
	// Instances is the number of instances.
	Instances int `json:"instances"`
	// Stores are the stores that are not connected, or whose circuit breaker is not closed.
	Stores []storeHealth `json:"stores"`
	// More is the number of further such stores.
	More int `json:"more,omitempty"`
}

// storeHealth is a store that does not answer. Component and Store are names from a Component
// YAML.
type storeHealth struct {
	Component string        `json:"component"`
	Store     string        `json:"store"`
	Connected bool          `json:"connected"`
	Breaker   store.Breaker `json:"breaker,omitempty"`
}

// maxStoreHealths is the most stores that /readyz names.
const maxStoreHealths = 100

// ServeHTTP implements http.Handler.
func (h health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	phase, instances := h.phase(), h.instances()
	answer := readiness{Phase: phase.String(), Instances: len(instances), Stores: []storeHealth{}}
	for _, in := range instances {
		for _, s := range in.Stores {
			switch {
			case s.Connected && (s.Breaker == store.BreakerClosed || s.Breaker == store.NoBreaker):
			case len(answer.Stores) == maxStoreHealths:
				answer.More++
			default:
				answer.Stores = append(answer.Stores, storeHealth{in.Component, s.Label, s.Connected, s.Breaker})
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if phase != pluggable.Serving {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(answer) // the client may have left
}
