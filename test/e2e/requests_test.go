//go:build e2e

package e2e

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// TestNames checks which names in a request reach the component.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "a-b", `{"it":"a-b"}`)
	s.config(t, "empty", `{}`)
	side := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", s.metadata(nil)))
	for path, name := range map[string]string{"a%2Fb": "a/b", "a%20b": "a b", "%2e%2e%2fa-b": "../a-b", "a%2Db.json": "a-b.json"} {
		r := side.ask(t, "credentials", path)
		require.Equal(t, http.StatusInternalServerError, r.status)
		require.True(t, strings.HasPrefix(r.message, "failed getting secret with key "+name+" from secret store credentials: "+
			"rpc error: code = InvalidArgument desc = credential: malformed GUID"), "it arrives decoded: %s", r.message)
	}
	require.Equal(t, "a-b", side.ask(t, "credentials", "a%2Db").entries["it"])

	bulk := side.ask(t, "credentials", "bulk")
	require.Contains(t, bulk.message, "failed getting secrets from secret store credentials: ", "the name bulk must be the bulk call")
	require.Equal(t, reply{status: http.StatusNoContent}, side.ask(t, "credentials", "empty"))
}

// TestCallerLeaves cancels a request while its store hangs. daprd does not tell the component,
// so the request runs until our own timeout.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	require.NoError(t, syscall.Mkfifo(s.path("configs/hangs.json"), 0o644))
	side := startSidecar(t, harness.ComponentOptions{Metrics: true},
		credentials("credentials", s.metadata(map[string]any{"storeTimeout": "5s", "requestTimeout": "1h"})))
	requests := func(code string) float64 {
		return metric(t, side.component.Metrics, `credential_resolver_requests_total{code="`+code+`"}`)
	}

	ctx, leave := context.WithTimeout(t.Context(), 10*tick)
	defer leave()
	_, err := ask(ctx, side.daprd, "credentials", "hangs")
	require.ErrorIs(t, err, context.DeadlineExceeded, "the caller's request must have ended")
	require.Zero(t, requests("DeadlineExceeded")+requests("Canceled"), "the component's request must still run")
	require.Eventually(t, func() bool { return requests("DeadlineExceeded") == 1 }, patience, tick, "the request must end by our timeout")
	require.Zero(t, requests("Canceled"))
}
