package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/componentfile"
)

// TestReadmeShowsTheShippedFiles compares the README's Component and config with the
// files that it names.
func TestReadmeShowsTheShippedFiles(t *testing.T) {
	const shipped = "../components/credentials.yaml"
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	yaml := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, yaml)
	shown := filepath.Join(t.TempDir(), "credentials.yaml")
	require.NoError(t, os.WriteFile(shown, yaml[1], 0o600))
	want, err := componentfile.Load(shipped)
	require.NoError(t, err)
	got, err := componentfile.Load(shown)
	require.NoError(t, err)
	require.Equal(t, want, got)

	config := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, config)
	sample, err := os.ReadFile("../components/samples/analytics-db.json")
	require.NoError(t, err)
	require.Equal(t, string(sample), string(config[1]))
}
