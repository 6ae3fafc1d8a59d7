//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// reply is daprd's answer to a request of the secrets API.
type reply struct {
	status        int
	entries       map[string]string // with status 200
	code, message string            // of an error, such as ERR_SECRET_GET
}

// ask sends a request to the secrets API over HTTP. metadata are "name=value" pairs. It returns
// an error if daprd does not answer or the answer is malformed.
func ask(ctx context.Context, daprd *harness.Daprd, store, path string, metadata ...string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	query := url.Values{}
	for _, m := range metadata {
		name, value, _ := strings.Cut(m, "=")
		query.Set("metadata."+name, value)
	}
	address := daprd.URL("/v1.0/secrets/"+store+"/"+path) + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode}
	switch r.status {
	case http.StatusOK:
		err = json.Unmarshal(body, &r.entries)
	case http.StatusNoContent:
	default:
		var failure struct{ ErrorCode, Message string }
		if err = json.Unmarshal(body, &failure); err != nil {
			err = fmt.Errorf("status %d: %w", r.status, err)
		}
		r.code, r.message = failure.ErrorCode, failure.Message
	}
	return r, err
}

// ask sends a request to this sidecar's daprd, which must answer.
func (s *sidecar) ask(t *testing.T, store, path string, metadata ...string) reply {
	t.Helper()
	r, err := ask(t.Context(), s.daprd, store, path, metadata...)
	require.NoError(t, err)
	return r
}

// get returns the entries, or the message of the component's error as an application sees it.
func (s *sidecar) get(t *testing.T, store, path string, metadata ...string) (map[string]string, string) {
	t.Helper()
	r := s.ask(t, store, path, metadata...)
	if r.message != "" {
		require.Equal(t, "ERR_SECRET_GET", r.code, r.message)
	}
	return r.entries, r.message
}
