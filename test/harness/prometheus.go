package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Prometheus is a Prometheus server that scrapes one target every second.
type Prometheus struct{ *Server }

// PrometheusOptions are the options to start a Prometheus.
type PrometheusOptions struct {
	// Target is the address that it scrapes, as "127.0.0.1:port".
	Target string
	// Rules is the absolute path of a file of rules.
	Rules string
	// Native makes it store native histograms in place of classic ones.
	Native bool
}

// StartPrometheus starts a Prometheus and waits until it is ready.
func StartPrometheus(ctx context.Context, o PrometheusOptions) (*Prometheus, error) {
	path, err := program("prometheus", "sudo apt-get install prometheus")
	if err != nil {
		return nil, err
	}
	p := &Prometheus{}
	s, err := newServer(serverSpec{path: path, args: func(s *Server) []string {
		args := []string{
			"--config.file", filepath.Join(s.Dir, "prometheus.yaml"), "--storage.tsdb.path", filepath.Join(s.Dir, "data"),
			"--web.listen-address", s.Address, "--log.level", "warn",
		}
		if o.Native {
			args = append(args, "--enable-feature=native-histograms")
		}
		return args
	}, ready: func(ctx context.Context, s *Server) error {
		return getJSON(ctx, "http://"+s.Address+"/api/v1/status/buildinfo", &struct{}{})
	}})
	if err != nil {
		return nil, err
	}
	p.Server = s
	config := fmt.Sprintf(`global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: app
    static_configs: [{targets: [%q]}]
`, o.Rules, o.Target)
	if err := os.WriteFile(filepath.Join(s.Dir, "prometheus.yaml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	return p, s.Start(ctx)
}

// Series is one line of an answer: its labels, and its values at each time.
type Series struct {
	Labels map[string]string
	Points []Sample
}

// Sample is a value at a time.
type Sample struct {
	At    time.Time
	Value float64
}

// Range evaluates an expression for each second from begin to end.
func (p *Prometheus) Range(ctx context.Context, expression string, begin, end time.Time) ([]Series, error) {
	seconds := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
	query := url.Values{"query": {expression}, "start": {seconds(begin)}, "end": {seconds(end)}, "step": {"1"}}
	var answer struct {
		Error string
		Data  struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := getJSON(ctx, "http://"+p.Address+"/api/v1/query_range?"+query.Encode(), &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", expression, answer.Error)
	}
	var all []Series
	for _, r := range answer.Data.Result {
		one := Series{Labels: r.Metric}
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			text, _ := v[1].(string)
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, err
			}
			one.Points = append(one.Points, Sample{time.UnixMilli(int64(at * 1000)), value})
		}
		all = append(all, one)
	}
	return all, nil
}

// getJSON decodes an answer, whatever its status is.
func getJSON(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(into)
}
