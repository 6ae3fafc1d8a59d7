package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The server answers only when all requests have arrived. If the proxy delayed one of them, all
// would block.
func TestTheProxyPassesOnAnyNumberOfRequests(t *testing.T) {
	const requests = 2 * burstSlots
	var come sync.WaitGroup
	come.Add(requests)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		come.Done()
		come.Wait()
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	p := proxyOf(t, server, time.Millisecond)
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			resp, err := http.Get(p.url + "/measured/x")
			if assert.NoError(t, err) {
				assert.NoError(t, resp.Body.Close())
				assert.Equal(t, http.StatusTeapot, resp.StatusCode)
			}
		})
	}
	all.Wait()
	calls, _ := p.measured()
	require.Equal(t, requests, calls)
}

func TestTheProxyMeasuresOnlyItsPaths(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	p := proxyOf(t, server, 0)
	resp, err := http.Get(p.url + "/other")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	calls, _ := p.measured()
	require.Zero(t, calls)
}

func TestTheProxyHoldsBackAnswers(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		assert.NoError(t, http.NewResponseController(w).Flush())
		leave()
	}))
	defer server.Close()
	p := proxyOf(t, server, time.Hour)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/measured/x", nil)
	require.NoError(t, err)
	_, err = http.DefaultClient.Do(req)
	require.ErrorIs(t, err, context.Canceled)
	calls, _ := p.measured()
	require.Zero(t, calls, "want no call, because the client did not wait for the answer")
}

func proxyOf(t *testing.T, server *httptest.Server, delay time.Duration) *slowProxy {
	t.Helper()
	p, err := startProxy(strings.TrimPrefix(server.URL, "http://"), "/measured/", delay)
	require.NoError(t, err)
	t.Cleanup(p.close)
	return p
}
