package componentfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/componentfile"
)

// ours returns a Component of our type. metadata has one YAML item per line.
func ours(metadata ...string) string {
	return component(componentfile.Type, "credentials", metadata...)
}

func component(componentType, name string, metadata ...string) string {
	return "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
		"\nspec:\n  type: " + componentType + "\n  version: v1\n  metadata:\n  - " +
		strings.Join(metadata, "\n  - ") + "\n"
}

// write writes files by name into a new folder, and returns the folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	return folder
}

// load loads a file with the given text.
func load(t *testing.T, text string) (map[string]string, error) {
	t.Helper()
	return componentfile.Load(filepath.Join(write(t, map[string]string{"credentials.yaml": text}), "credentials.yaml"))
}
