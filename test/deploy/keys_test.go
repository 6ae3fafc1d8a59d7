//go:build deploy

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// cliKeys returns the keys of a template, from the source of the Dapr CLI that is pinned in
// tools/dapr.
func cliKeys(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/dapr/cli")
	cmd.Dir = "../../tools/dapr"
	folder, err := cmd.Output()
	require.NoError(t, err)
	var keys []string
	for _, file := range []string{"pkg/runfileconfig/run_file_config.go", "pkg/standalone/run.go"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), file))
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`yaml:"(\w+)`).FindAllSubmatch(text, -1) {
			keys = append(keys, string(match[1]))
		}
	}
	return keys
}

// keysOf returns all keys of a YAML document.
func keysOf(t *testing.T, text []byte) map[string]bool {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &document))
	keys := map[string]bool{}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		for i, child := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 {
				keys[child.Value] = true
			}
			walk(child)
		}
	}
	walk(&document)
	require.NotEmpty(t, keys)
	return keys
}
