package client_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/client"
)

// The Dapr SDK's client must implement the interface that the client needs.
var _ client.Dapr = dapr.Client(nil)

// daprd is a Dapr client whose answers a test defines.
type daprd struct {
	secret func(ctx context.Context, store, key string, meta map[string]string) (map[string]string, error)
	invoke func(ctx context.Context, req *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error)
}

var _ client.Dapr = daprd{}

func (d daprd) GetSecret(ctx context.Context, store, key string, meta map[string]string) (map[string]string, error) {
	return d.secret(ctx, store, key, meta)
}

func (d daprd) InvokeBinding(ctx context.Context, req *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
	return d.invoke(ctx, req)
}

// answering returns a daprd that answers every request for a secret in the same way.
func answering(data map[string]string, err error) daprd {
	return daprd{secret: func(context.Context, string, string, map[string]string) (map[string]string, error) {
		return data, err
	}}
}

// parse returns the credential with a JSON text.
func parse(t testing.TB, text string) client.Credential {
	t.Helper()
	c, err := client.Parse([]byte(text))
	require.NoError(t, err)
	return c
}

// reveal returns a credential as JSON.
func reveal(t testing.TB, c client.Credential) string {
	t.Helper()
	text, err := c.Reveal()
	require.NoError(t, err)
	return string(text)
}
