package component_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/componentfile"
)

// storeReference matches a secretKeyRef in our Component files.
var storeReference = regexp.MustCompile(`secretKeyRef:\n\s+name: ([a-z-]+)\n\s+key: ([a-zA-Z-]+)`)

// storeFiles returns the metadata of every file in components/stores.
func storeFiles(t *testing.T) map[string]map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../components/stores/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	files := map[string]map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, match := range storeReference.FindAllStringSubmatch(string(text), -1) {
			name := strings.ToUpper(match[1] + "_" + match[2])
			t.Setenv(strings.ReplaceAll(name, "-", "_"), "from the environment")
		}
		files[filepath.Base(path)], err = componentfile.Load(path)
		require.NoError(t, err)
	}
	return files
}

// test/e2e shows that each file is correct, on the store's own server.
func TestMisspeltFieldInAStoresFileIsRefused(t *testing.T) {
	log := logger.NewLogger(t.Name())
	t.Setenv("XDG_DATA_HOME", t.TempDir()) // a default config store is created here
	for file, properties := range storeFiles(t) {
		_, err := component.ParseMetadata(properties)
		require.NoError(t, err, file)
		own := "configStore." // the prefix of the fields of the file's store
		if strings.HasPrefix(file, "secretstores.") {
			own = "secretStore."
		}
		for name, value := range properties {
			if !strings.HasPrefix(name, own) {
				continue
			}
			t.Run(file+" with "+name+"x", func(t *testing.T) {
				misspelt := maps.Clone(properties)
				delete(misspelt, name)
				misspelt[name+"x"] = value
				settings, err := component.ParseMetadata(misspelt)
				require.NoError(t, err)
				_, err = component.Open(t.Context(), settings, store.Options{Logger: log})
				require.ErrorContains(t, err, name+"x is not a metadata field of")
			})
		}
	}
}
