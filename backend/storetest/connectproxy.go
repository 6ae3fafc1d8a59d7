package storetest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// ConnectProxy is an HTTP proxy that supports CONNECT. Made is the number of its connections
// so far, Open the number of those that are open.
type ConnectProxy struct {
	*httptest.Server

	Made, Open atomic.Int32
}

// NewConnectProxy starts a proxy. It stops when the test ends.
func NewConnectProxy(t *testing.T) *ConnectProxy {
	t.Helper()
	p := &ConnectProxy{}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *ConnectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", r.Host) //nolint:gosec // a fixture of tests
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	p.Made.Add(1)
	p.Open.Add(1)
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}()
	_, _ = io.Copy(there, here)
	_ = there.Close()
	_ = here.Close()
	p.Open.Add(-1)
}
