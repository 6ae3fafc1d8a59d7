//go:build e2e

package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/client"
	"credential-resolver/test/harness"
)

// requireFails requires that a call of package client failed with one meaning and no other.
func requireFails(t *testing.T, err, meaning error, code codes.Code) {
	t.Helper()
	require.ErrorIs(t, err, client.ErrResolution)
	require.ErrorIs(t, err, meaning)
	for _, other := range []error{
		client.ErrInvalid, client.ErrNotFound, client.ErrPrecondition, client.ErrDenied, client.ErrUnavailable,
		client.ErrTimeout, client.ErrTooLarge, client.ErrInternal,
	} {
		require.Equal(t, other == meaning, errors.Is(err, other), "%v: %v", other, err) //nolint:errorlint // compares identity
	}
	var failure *client.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, code, failure.Code)
	require.Equal(t, code == codes.Unavailable || code == codes.DeadlineExceeded, client.Retryable(err))
	requireNoCanary(t, err.Error())
}

// TestClientErrors checks each kind of failure as an application gets it from package client,
// through a real daprd.
func TestClientErrors(t *testing.T) {
	t.Parallel()
	side := failingSidecar(t)
	sdk := side.sdk(t)
	get := func(store string) func(context.Context, string) (client.Credential, error) {
		return client.New(sdk, client.Options{CredentialStore: store}).GetCredentials
	}
	for name, test := range map[string]struct {
		store, guid string
		meaning     error
		code        codes.Code
		text        string
	}{
		"a malformed GUID":               {"credentials", "not.a.guid", client.ErrInvalid, codes.InvalidArgument, "malformed GUID"},
		"no such credential":             {"credentials", "nowhere", client.ErrNotFound, codes.NotFound, "no such credential"},
		"the agent's bundle missing":     {"credentials", "no-bundle", client.ErrNotFound, codes.NotFound, "secret-path"},
		"a config that is not an object": {"credentials", "array", client.ErrPrecondition, codes.FailedPrecondition, "not a JSON object"},
		"nothing replaced":               {"credentials", "unresolved", client.ErrPrecondition, codes.FailedPrecondition, "none of its fields names"},
		"a secret that is not allowed":   {"credentials", "forbidden", client.ErrDenied, codes.PermissionDenied, "allowedSecrets does not allow"},
		"a config that cannot be read":   {"credentials", "unreadable", client.ErrUnavailable, codes.Unavailable, "the config store is unavailable"},
		"a store that does not exist":    {"unconnected", "good", client.ErrUnavailable, codes.Unavailable, "the secret store is unavailable"},
		"a store that does not answer":   {"credentials", "fifo", client.ErrTimeout, codes.DeadlineExceeded, "did not answer in time"},
		"an answer over 4 MiB":           {"credentials", "large", client.ErrTooLarge, codes.ResourceExhausted, "larger than the runtime's limit of 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := get(test.store)(t.Context(), test.guid)
			requireFails(t, err, test.meaning, test.code)
			require.Contains(t, err.Error(), test.text)
			if test.code != codes.InvalidArgument {
				require.Contains(t, err.Error(), `credential "`+test.guid+`": `)
			}
		})
	}
	t.Run("a GUID that the component finds malformed", func(t *testing.T) {
		_, err := client.New(sdk, client.Options{}).GetSecret(t.Context(), "x: rpc error: code = NotFound desc = credential: y", "credentials")
		requireFails(t, err, client.ErrInvalid, codes.InvalidArgument)
		require.ErrorContains(t, err, "malformed GUID")
	})
	t.Run("no such store", func(t *testing.T) {
		_, err := get("nowhere")(t.Context(), "good")
		requireFails(t, err, client.ErrPrecondition, codes.FailedPrecondition)
		require.ErrorIs(t, err, client.ErrNoStore)
	})
	t.Run("the caller leaves", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := get("credentials")(ctx, "fifo")
		requireFails(t, err, client.ErrTimeout, codes.DeadlineExceeded)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("daprd has ended", func(t *testing.T) { // must be last
		side.daprd.Kill()
		_, err := get("credentials")(t.Context(), "good")
		requireFails(t, err, client.ErrUnavailable, codes.Unavailable)
	})
}

// TestClientScopes checks a refusal by daprd's own scopes.
func TestClientScopes(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "c-1", `{"it":"c-1"}`)
	sockets := socketFolder(t)
	startComponent(t, harness.ComponentOptions{SocketFolder: sockets})
	folder := newResourceFolder(t, credentials("credentials", s.metadata(nil)))
	side := &sidecar{daprd: startDaprd(t, sockets, folder, "--config", scopes(t, `
      - storeName: credentials
        deniedSecrets: ["c-1"]
`))}
	_, err := client.New(side.sdk(t), client.Options{}).GetCredentials(t.Context(), "c-1")
	requireFails(t, err, client.ErrDenied, codes.PermissionDenied)
	require.ErrorContains(t, err, "daprd's scopes")
}

// TestClientWithoutStores uses a daprd without any secret store.
func TestClientWithoutStores(t *testing.T) {
	t.Parallel()
	side := &sidecar{daprd: startDaprd(t, socketFolder(t), newResourceFolder(t))}
	c := client.New(side.sdk(t), client.Options{DeploymentName: "production"})
	_, err := c.GetCredentials(t.Context(), "c-1")
	requireFails(t, err, client.ErrPrecondition, codes.FailedPrecondition)
	require.ErrorIs(t, err, client.ErrNoStore)
	_, ok, err := c.GetDeploymentSecret(t.Context(), "k")
	require.NoError(t, err)
	require.False(t, ok)
	_, err = client.New(side.sdk(t), client.Options{DeploymentName: "local"}).SaveSecret(t.Context(), client.Credential{})
	requireFails(t, err, client.ErrPrecondition, codes.FailedPrecondition)
	require.ErrorIs(t, err, client.ErrNoStore)
}
