package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// slowProxy is an address on loopback behind which a server is. It passes on each
// answer when a fixed time is over since the request came, and any number of them at
// the same time.
type slowProxy struct {
	delay  time.Duration
	prefix string // of the paths that are measured
	server *http.Server
	url    string
	direct *http.Transport
	done   sync.WaitGroup

	mu    sync.Mutex
	calls int           // that were answered
	took  time.Duration // all of them together
}

// startProxy starts a proxy of the server at an address.
func startProxy(address, prefix string, delay time.Duration) (*slowProxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &slowProxy{
		delay: delay, prefix: prefix, url: "http://" + listener.Addr().String(),
		direct: &http.Transport{MaxIdleConnsPerHost: burstSlots},
	}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	forward.Transport = p
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) {
		w.WriteHeader(http.StatusBadGateway) // mostly to a client that has left
	}
	p.server = &http.Server{Handler: forward}
	p.done.Go(func() { _ = p.server.Serve(listener) })
	return p, nil
}

var _ http.RoundTripper = (*slowProxy)(nil)

// RoundTrip asks the server, and holds its answer back.
func (p *slowProxy) RoundTrip(req *http.Request) (*http.Response, error) {
	came := time.Now()
	resp, err := p.direct.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := wait(req.Context(), came.Add(p.delay)); err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	if strings.HasPrefix(req.URL.Path, p.prefix) {
		p.mu.Lock()
		p.calls++
		p.took += time.Since(came)
		p.mu.Unlock()
	}
	return resp, nil
}

// measured returns how many calls were answered, and how long one took on average.
func (p *slowProxy) measured() (calls int, each time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls, p.took / time.Duration(max(1, p.calls))
}

func (p *slowProxy) close() {
	_ = p.server.Close()
	p.done.Wait()
	p.direct.CloseIdleConnections()
}

// wait waits until a time, or as long as ctx allows.
func wait(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
