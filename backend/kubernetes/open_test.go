package kubernetes

import (
	"context"
	"testing"

	"credential-resolver/backend/store"
)

const storeName = "secretstores.kubernetes"

// openSecrets opens the store as package backend does.
func openSecrets(
	t *testing.T, fields map[string]string, execPlugins bool, opts store.Options,
) (*store.Opened[store.SecretConn], error) {
	t.Helper()
	o, _, _, err := store.Open(t.Context(), store.Spec{Label: "secretStore", Type: storeName, Fields: fields},
		map[string]store.Type[store.SecretConn]{storeName: Type(execPlugins)}, opts)
	return o, err
}

func secretOf(ctx context.Context, o *store.Opened[store.SecretConn], name string) (map[string]string, error) {
	return store.Use(ctx, o, func(ctx context.Context, c store.SecretConn) (map[string]string, error) { return c.Get(ctx, name) })
}
