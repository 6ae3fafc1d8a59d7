package componentfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/componentfile"
)

// ours is a Component of our type with metadata, one YAML item a line.
func ours(metadata ...string) string {
	return component(componentfile.Type, "credentials", metadata...)
}

func component(componentType, name string, metadata ...string) string {
	return "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
		"\nspec:\n  type: " + componentType + "\n  version: v1\n  metadata:\n  - " +
		strings.Join(metadata, "\n  - ") + "\n"
}

// write puts files, by name, into a folder, and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	return folder
}

// load loads one file that has text.
func load(t *testing.T, text string) (map[string]string, error) {
	t.Helper()
	return componentfile.Load(filepath.Join(write(t, map[string]string{"credentials.yaml": text}), "credentials.yaml"))
}
