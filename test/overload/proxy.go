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

// slowProxy is a proxy on loopback. It passes each answer on after a fixed time since its
// request arrived. It does not limit the number of concurrent requests.
type slowProxy struct {
	delay  time.Duration
	prefix string // of the measured paths
	server *http.Server
	url    string
	direct *http.Transport
	done   sync.WaitGroup

	mu    sync.Mutex
	calls int           // answered calls
	took  time.Duration // total time of all calls
}

// startProxy starts a proxy for the server at an address.
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
		w.WriteHeader(http.StatusBadGateway) // usually the client has already left
	}
	p.server = &http.Server{Handler: forward}
	p.done.Go(func() { _ = p.server.Serve(listener) })
	return p, nil
}

var _ http.RoundTripper = (*slowProxy)(nil)

// RoundTrip sends the request to the server and delays the answer.
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

// measured returns the number of answered calls and their average time.
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

// wait waits until a time, or until ctx ends.
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
