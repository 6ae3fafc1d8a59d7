package cli

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/component/pluggable"
)

// readyz returns the status and the body of /readyz.
func readyz(phase pluggable.Phase, instances ...component.InstanceStatus) (code int, body string) {
	h := health{
		phase:     func() pluggable.Phase { return phase },
		instances: func() []component.InstanceStatus { return instances },
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/readyz", nil))
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestReadyzIsTheComponentsPhase(t *testing.T) {
	for phase, want := range map[pluggable.Phase]int{
		pluggable.Starting: http.StatusServiceUnavailable,
		pluggable.Serving:  http.StatusOK,
		pluggable.Stopping: http.StatusServiceUnavailable,
	} {
		code, body := readyz(phase)
		assert.Equal(t, want, code)
		assert.JSONEq(t, `{"phase":"`+phase.String()+`","instances":0,"stores":[]}`, body)
	}
}

func TestReadyzNamesTheStoresThatDoNotAnswer(t *testing.T) {
	code, body := readyz(pluggable.Serving, component.InstanceStatus{Component: "credentials", Stores: []store.Status{
		{Label: "configStore", Connected: true, Breaker: store.BreakerClosed},
		{Label: "secretStore", Connected: true, Breaker: store.BreakerOpen},
		{Label: "secretStores.file", Connected: true},
		{Label: "secretStores.second", Breaker: store.BreakerClosed},
	}})
	assert.Equal(t, http.StatusOK, code, "last good answers still work")
	assert.JSONEq(t, `{"phase":"serving","instances":1,"stores":[
		{"component":"credentials","store":"secretStore","connected":true,"breaker":"open"},
		{"component":"credentials","store":"secretStores.second","connected":false,"breaker":"closed"}]}`, body)
}

func TestReadyzIsLimited(t *testing.T) {
	_, body := readyz(pluggable.Serving, component.InstanceStatus{Stores: make([]store.Status, 103)})
	assert.Equal(t, 100, strings.Count(body, `"connected":false`))
	assert.Contains(t, body, `"more":3`)
}

func TestMetricsAndHealthAreServed(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	h := health{func() pluggable.Phase { return pluggable.Serving }, func() []component.InstanceStatus { return nil }}
	stop, err := serveHTTP(t.Context(), address, newRegistry("1.2.3"), h)
	require.NoError(t, err)
	defer stop()
	for path, want := range map[string]string{
		"/healthz": "ok\n", "/readyz": `{"phase":"serving"`, "/metrics": `credential_resolver_build_info{`,
	} {
		resp, err := http.Get("http://" + address + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusOK, resp.StatusCode, path)
		assert.Contains(t, string(body), want)
	}
	resp, err := http.Post("http://"+address+"/readyz", "", nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestBuildInfoHasTheVersions(t *testing.T) {
	registry := newRegistry("1.2.3")
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == component.BuildInfo {
			labels := map[string]string{}
			for _, l := range family.GetMetric()[0].GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			assert.Equal(t, "1.2.3", labels["version"])
			assert.True(t, strings.HasPrefix(labels["goversion"], "go1."))
			assert.Contains(t, labels, "contrib")
			assert.Contains(t, labels, "dapr")
			return
		}
	}
	assert.Fail(t, "no build info")
}
