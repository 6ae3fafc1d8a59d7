package vault

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// redirects is a standby node that redirects to the same path of another node.
func redirects(t *testing.T, to string, status int, overTLS bool) string {
	t.Helper()
	standby := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", to+r.URL.Path)
		w.WriteHeader(status)
	}))
	if overTLS {
		standby.StartTLS()
	} else {
		standby.Start()
	}
	t.Cleanup(standby.Close)
	return standby.URL
}

func TestRedirectOutOfTLSOrToAnotherOneIsRefused(t *testing.T) {
	active := httptest.NewServer(http.HandlerFunc(writeSecret))
	t.Cleanup(active.Close)
	for name, address := range map[string]string{
		"out of TLS":       redirects(t, active.URL, http.StatusTemporaryRedirect, true),
		"a second standby": redirects(t, redirects(t, active.URL, http.StatusTemporaryRedirect, false), http.StatusTemporaryRedirect, false),
	} {
		t.Run(name, func(t *testing.T) {
			c := unchecked(t, map[string]string{"vaultAddr": address, "vaultToken": "t", "skipVerify": "true"})
			_, err := c.Get(t.Context(), "a")
			storetest.RequireKind(t, credential.Unavailable, err)
			require.Contains(t, credential.RemedyOf(err), "redirects to another path")
			require.NoError(t, c.Close())
		})
	}
}

// With some statuses, an HTTP client asks for the new address with GET, without the body.
func TestRedirectedLoginKeepsItsMethodAndBody(t *testing.T) {
	v := newAuthServer(t)
	fields := approle(v)
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther} {
		fields["vaultAddr"] = redirects(t, v.URL, status, false)
		_, err := Type().Connect(t.Context(), fields, storetest.DevNull(t))
		storetest.RequireKind(t, credential.Unavailable, err, status)
		require.Zero(t, v.count(logins), status)
	}
	fields["vaultAddr"] = redirects(t, v.URL, http.StatusTemporaryRedirect, false)
	connected(t, storetest.DevNull(t), fields)
	require.Equal(t, map[string]any{"role_id": "canary-role", "secret_id": "canary-id"}, v.body)
}

// net/http quotes a Location, a header or a status line that it cannot parse. Each may contain the
// name of the secret.
func TestAnswerThatHTTPCannotParseIsNotQuoted(t *testing.T) {
	for name, head := range map[string]string{
		"a Location":          "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://h:port%s",
		"a Location's escape": "HTTP/1.1 307 Temporary Redirect\r\nLocation: %%zz%s",
		"a header":            "HTTP/1.1 200 OK\r\nLocation %s",
		"a status line":       "%s",
		"a status code":       "HTTP/1.1 %s",
		"a length":            "HTTP/1.1 200 OK\r\nContent-Length: %s",
		"an encoding":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if !assert.NoError(t, err) {
					return
				}
				_, _ = fmt.Fprintf(conn, head+"\r\n\r\n", r.URL.Path)
				_ = conn.Close()
			}))
			t.Cleanup(server.Close)
			_, err := unchecked(t, map[string]string{"vaultAddr": server.URL, "vaultToken": "t"}).Get(t.Context(), "canary")
			storetest.RequireKind(t, credential.Unavailable, err)
			require.Contains(t, credential.RemedyOf(err), "the answer does not come from Vault")
			require.NotContains(t, errors.Unwrap(err).Error(), "canary")
		})
	}
}
