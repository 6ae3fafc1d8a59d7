package markdown_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/markdown"
)

func TestReplace(t *testing.T) {
	const head, tail = "Prose.\n<!-- table: written by make -->\n", "<!-- end of table -->\nMore.\n"
	folder := t.TempDir()
	document, elsewhere := filepath.Join(folder, "a.md"), filepath.Join(folder, "b.md")
	require.NoError(t, os.WriteFile(document, []byte(head+"old\n"+tail), 0o600))

	require.NoError(t, markdown.Replace(document, "table", "new\n", elsewhere))
	require.Equal(t, head+"new\n"+tail, read(t, elsewhere))
	require.Equal(t, head+"old\n"+tail, read(t, document))
	require.NoError(t, markdown.Replace(document, "table", "", document))
	require.Equal(t, head+tail, read(t, document))

	for name, text := range map[string]string{
		"no beginning": "Prose.\n" + tail, "no end": head, "not a line": "Prose <!-- table: x -->\n" + tail, "empty": "",
	} {
		require.NoError(t, os.WriteFile(document, []byte(text), 0o600))
		require.ErrorContains(t, markdown.Replace(document, "table", "new\n", document), "table", name)
		require.Equal(t, text, read(t, document), name)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
