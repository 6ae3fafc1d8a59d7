package backend_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
)

func TestAStoreThatIsNotCreatedYetHasNoConfigs(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	folder := filepath.Join(t.TempDir(), "configs")
	file := filepath.Join(t.TempDir(), "a.db")
	for name, spec := range map[string]store.Spec{
		"the default file": {Type: "state.sqlite"},
		"a file":           {Type: "state.sqlite", Fields: map[string]string{"connectionString": "file:" + file + "?_txlock=immediate"}},
		"a folder":         {Type: "bindings.localstorage", Fields: map[string]string{"rootPath": folder}},
	} {
		require.False(t, backend.CanHaveConfigs(spec), name)
	}
	require.False(t, backend.CanHaveConfigs(store.Spec{Type: "state.none"}))
	require.True(t, backend.CanHaveConfigs(store.Spec{Type: "state.redis", Fields: map[string]string{"redisHost": "localhost:1"}}))
	require.True(t, backend.CanHaveConfigs(store.Spec{Type: "state.sqlite", Fields: map[string]string{"connectionString": ":memory:"}}))

	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.True(t, backend.CanHaveConfigs(store.Spec{Type: "state.sqlite", Fields: map[string]string{"url": file}}))
	require.True(t, backend.CanHaveConfigs(store.Spec{Type: "bindings.localstorage", Fields: map[string]string{"rootPath": folder}}))
}
