package vault

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// roundTrip answers requests without a server.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestLoginsAtTheSameTimeShareAnUnwrapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		var asked atomic.Int32
		s := &session{address: "http://vault.example", http: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			<-answer
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"data":{"secret_id":"id"}}`))}, nil
		})}}
		unwrapped := newSecretIDs()
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() {
				id, err := unwrapped.get(t.Context(), s, "hvs.wrapping")
				assert.NoError(t, err)
				assert.Equal(t, "id", id)
			})
		}
		synctest.Wait()
		close(answer)
		calls.Wait()
		require.EqualValues(t, 1, asked.Load(), "a wrapping token is good for one use")
	})
}

func TestFailedUnwrappingIsToldApartAndTriedAgain(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   credential.Kind
	}{
		"a used token":          {400, `{"errors":["wrapping token is not valid or does not exist"]}`, credential.Denied},
		"an unknown token":      {403, `{"errors":["permission denied"]}`, credential.Denied},
		"another wrapped value": {200, `{"data":{"a":"b"}}`, credential.Denied},
		"a proxy that refuses":  {403, "<html>", credential.Unavailable},
		"a sealed Vault":        {503, `{"errors":["Vault is sealed"]}`, credential.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			v := newAuthServer(t)
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path != "/v1/sys/wrapping/unwrap":
					v.ServeHTTP(w, r)
				case asked.Add(1) == 1:
					refuse(w, test.status, test.body)
				default:
					_, _ = io.WriteString(w, `{"data":{"secret_id":"canary-unwrapped"}}`)
				}
			}))
			t.Cleanup(server.Close)
			fields := approle(v)
			fields["vaultAddr"], fields["secretID"] = server.URL, "s.canary-wrapping"
			vault := Type()
			_, err := vault.Connect(t.Context(), fields, storetest.DevNull(t))
			storetest.RequireKind(t, test.want, err)
			require.True(t, credential.IsOutage(err), "it says nothing about the secrets")
			require.Equal(t, test.want == credential.Denied, storetest.IsGeneral(err))
			require.Zero(t, v.count(logins))

			conn, err := vault.Connect(t.Context(), fields, store.Quiet(storetest.DevNull(t)))
			require.NoError(t, err)
			require.Equal(t, "canary-unwrapped", v.body["secret_id"])
			require.NoError(t, conn.Close())
		})
	}
}
