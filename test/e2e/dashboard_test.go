//go:build e2e && observe

package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/test/harness"
)

var drawPicture = flag.Bool("picture", false, "draw the picture in docs/metrics.svg")

const (
	phaseTime   = 15 * time.Second // how long the store is up, down, and up again
	credentialN = 10
)

// TestObserveAnOutage takes the config store of a real daprd's component away and gives it back,
// while two Prometheus servers scrape the component: one with classic and one with native
// histograms. Then each query of the dashboard must have an answer from both.
func TestObserveAnOutage(t *testing.T) {
	redis, err := harness.StartRedis(t.Context(), canary.Secret)
	require.NoError(t, err)
	t.Cleanup(redis.Remove)
	s := newStores(t)
	for i := range credentialN {
		s.secret(t, fmt.Sprint(canary.Reference, i), map[string]string{"value": canary.Secret})
		putRedis(t, redis, fmt.Sprint("observed-", i), fmt.Sprintf(`{"credentialSource":"agent","password":"%s%d"}`, canary.Reference, i))
	}
	putRedis(t, redis, "broken", `["`+canary.Secret+`"]`)
	metadata := s.metadata(map[string]any{
		"configStore": "state.redis", "configStore.redisHost": redis.Address, "configStore.redisPassword": canary.Secret,
		"configKey": "app||{guid}",
		"cacheTTL":  "2s", "storeTimeout": "300ms", "storeRetries": "0", "breakerFailures": "2", "breakerInterval": "2s", "allowBulk": "true",
	})
	delete(metadata, "configStore.rootPath")
	side := startSidecar(t, harness.ComponentOptions{Metrics: true}, credentials("credentials", metadata))
	rules, err := filepath.Abs("../../deploy/prometheus/rules.yaml")
	require.NoError(t, err)
	servers := map[string]*harness.Prometheus{}
	for name, native := range map[string]bool{"classic": false, "native": true} {
		p, err := harness.StartPrometheus(t.Context(), harness.PrometheusOptions{Target: side.component.Metrics, Rules: rules, Native: native})
		require.NoError(t, err)
		t.Cleanup(p.Remove)
		servers[name] = p
	}
	stop := askAllTheTime(t, side)
	began := time.Now()
	pass := func() { <-time.After(phaseTime) }
	pass()
	requireReady(t, side, http.StatusOK, `"stores":[]`)
	requireMetricsLint(t, side)
	redis.Kill()
	down := time.Now()
	pass()
	requireReady(t, side, http.StatusOK, `{"component":"credentials","store":"configStore","connected":true,"breaker":`)
	require.NoError(t, redis.Restart(t.Context()))
	up := time.Now()
	pass()
	stop()
	requireReady(t, side, http.StatusOK, `"stores":[]`)
	ended := time.Now()

	for name, p := range servers {
		for _, alert := range []string{"CredentialResolverStoreDown", "CredentialResolverServesStale"} {
			pending := `ALERTS{alertname="` + alert + `"}`
			assert.Empty(t, query(t, p, pending, began, down), "%s: %s", name, alert)
			assert.NotEmpty(t, query(t, p, pending, down, up), "%s: %s", name, alert)
		}
		for _, q := range dashboardQueries(t) {
			result := query(t, p, q.expression, began, ended)
			points := 0
			for _, one := range result {
				points += len(one.Points)
			}
			assert.Greater(t, points, 5, "%s Prometheus: %q has no answer: %s", name, q.panel, q.expression)
		}
	}
	if *drawPicture {
		picture := drawOutage(t, servers["classic"], began, down, up, ended)
		require.NoError(t, os.WriteFile("../../docs/metrics.svg", []byte(picture), 0o644))
	}
}

// putRedis stores a config as state.redis does.
func putRedis(t *testing.T, redis *harness.Redis, guid, config string) {
	t.Helper()
	_, err := redis.Do(t.Context(), "HSET", "app||"+guid, "data", config, "version", "1")
	require.NoError(t, err)
}

// askAllTheTime asks for the credentials all the time, for a missing one, and sometimes for all of them,
// until stop is called.
func askAllTheTime(t *testing.T, side *sidecar) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	ask := func(every time.Duration, path func(i int) string) {
		running.Go(func() {
			ticker := time.NewTicker(every)
			defer ticker.Stop()
			for i := 0; ctx.Err() == nil; i++ {
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, side.daprd.URL("/v1.0/secrets/credentials/"+path(i)), nil)
				if resp, err := http.DefaultClient.Do(req); err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				select {
				case <-ticker.C:
				case <-ctx.Done():
				}
			}
		})
	}
	ask(20*time.Millisecond, func(i int) string { return fmt.Sprint("observed-", i%credentialN) })
	ask(200*time.Millisecond, func(int) string { return "missing" })
	ask(time.Second, func(int) string { return "bulk" })
	return func() { cancel(); running.Wait() }
}

// requireReady waits until /readyz has the status and contains the text.
func requireReady(t *testing.T, side *sidecar, status int, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		code, body := httpGet(t, "http://"+side.component.Metrics+"/readyz")
		canary.AssertNone(t, body)
		return code == status && strings.Contains(body, text)
	}, patience, tick)
}

// requireMetricsLint requires that promtool finds nothing wrong, and that no metric has a secret.
func requireMetricsLint(t *testing.T, side *sidecar) {
	t.Helper()
	_, text := httpGet(t, "http://"+side.component.Metrics+"/metrics")
	canary.AssertNone(t, text)
	require.NotContains(t, text, "observed-")
	command := exec.Command("promtool", "check", "metrics")
	command.Stdin = strings.NewReader(text)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
}

func httpGet(t *testing.T, address string) (code int, body string) {
	t.Helper()
	resp, err := http.Get(address)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

func query(t *testing.T, p *harness.Prometheus, expression string, begin, end time.Time) []harness.Series {
	t.Helper()
	expression = strings.NewReplacer("$__rate_interval", "5s", "$job", ".*").Replace(expression)
	all, err := p.Range(t.Context(), expression, begin, end)
	require.NoError(t, err, expression)
	for i, one := range all { // a quotient or a quantile of nothing is NaN
		var numbers []harness.Sample
		for _, s := range one.Points {
			if !math.IsNaN(s.Value) {
				numbers = append(numbers, s)
			}
		}
		all[i].Points = numbers
	}
	return all
}

// dashboardQuery is a query of a panel.
type dashboardQuery struct{ panel, expression string }

// dashboardQueries returns every query of the dashboard.
func dashboardQueries(t *testing.T) []dashboardQuery {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/credential-resolver.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	var all []dashboardQuery
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all = append(all, dashboardQuery{panel.Title, target.Expr})
		}
	}
	require.Greater(t, len(all), 15)
	return all
}
