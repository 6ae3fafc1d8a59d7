package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/component"
)

// edited are configs that somebody else edits as soon as they have been read.
type edited struct {
	component.Configs

	to []byte
}

func (e edited) Config(ctx context.Context, guid string) ([]byte, error) {
	text, err := e.Configs.Config(ctx, guid)
	if err != nil {
		return nil, err
	}
	return text, e.Put(ctx, guid, e.to)
}

func TestMigrateLeavesAConfigThatWasEditedMeanwhile(t *testing.T) {
	secrets := filepath.Join(t.TempDir(), "secrets.json")
	require.NoError(t, os.WriteFile(secrets, []byte(`{"pw":"hunter2"}`), 0o600))
	settings, err := component.ParseMetadata(map[string]string{
		"configStore": "state.in-memory", "secretStore": "secretstores.local.file", "secretStore.secretsFile": secrets,
	})
	require.NoError(t, err)
	stores, err := component.Open(t.Context(), settings, store.Options{Logger: logger.NewLogger(t.Name()), FailFast: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, stores.Close()) }()
	require.NoError(t, stores.Configs.Put(t.Context(), "c", []byte(`{"credentialSource":"agent","password":"pw"}`)))
	theirs, configs := []byte(`{"credentialSource":"agent","password":"pw","user":"u"}`), stores.Configs
	stores.Configs = edited{configs, theirs}

	var out bytes.Buffer
	o := &options{Streams: Streams{Out: &out, Err: &out}}
	err = o.migrate(t.Context(), settings, stores, "c", false)

	require.ErrorIs(t, err, store.ErrEdited)
	require.ErrorContains(t, err, `nothing was changed: credential "c": `)
	assert.Empty(t, out.String())
	got, err := configs.Config(t.Context(), "c")
	require.NoError(t, err)
	assert.Equal(t, string(theirs), string(got))
}
