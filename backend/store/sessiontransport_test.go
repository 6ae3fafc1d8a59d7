package store

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
)

func TestIdleConnectionsAreBounded(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(DefaultConcurrency)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	}))
	conns := storetest.CountConns(server)
	server.Start()
	t.Cleanup(server.Close)
	transport := NewSessionTransport(&http.Transport{})
	storetest.Together(t, DefaultConcurrency, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			return err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	conns.Await(t, idleConns)
	require.Equal(t, idleTimeout, transport.IdleConnTimeout)
	transport.End()
	conns.Await(t, 0)
}
