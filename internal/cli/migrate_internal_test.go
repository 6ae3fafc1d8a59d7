package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/component"
)

// editing is a secret store in which each read of a secret is the moment of an edit.
type editing struct {
	component.Secrets

	edit func(ctx context.Context) error
}

func (e editing) Secret(ctx context.Context, name string) (map[string]string, error) {
	if err := e.edit(ctx); err != nil {
		return nil, err
	}
	return e.Secrets.Secret(ctx, name)
}

func TestMigrateKeepsAnEditMadeMeanwhile(t *testing.T) {
	const config, edited = `{"host":"db"}`, `{"host":"db-2"}`
	for _, dryRun := range []bool{false, true} {
		folder := t.TempDir()
		secrets := filepath.Join(folder, "secrets.json")
		require.NoError(t, os.WriteFile(secrets, []byte(`{"c":{"password":"p"}}`), 0o600))
		settings, err := component.ParseMetadata(map[string]string{
			"configStore.connectionString": filepath.Join(folder, "credentials.db"),
			"secretStore":                  "secretstores.local.file", "secretStore.secretsFile": secrets, "secretStore.multiValued": "true",
		})
		require.NoError(t, err)
		var out strings.Builder
		o := &options{Streams: Streams{Out: &out, Err: &out}}
		err = o.withStores(t.Context(), settings, func(ctx context.Context, stores *component.Stores) error {
			require.NoError(t, stores.Configs.Put(ctx, "c", []byte(config)))
			stores.Secrets = editing{stores.Secrets, func(ctx context.Context) error {
				return stores.Configs.Put(ctx, "c", []byte(edited))
			}}
			err := o.migrate(ctx, settings, stores, "c", dryRun)
			now, failure := stores.Configs.Config(ctx, "c")
			require.NoError(t, failure)
			assert.Equal(t, edited, string(now))
			return err
		})
		if dryRun {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, store.ErrEdited)
		assert.ErrorContains(t, err, `nothing was changed: credential "c": `)
		assert.Empty(t, out.String())
	}
}
