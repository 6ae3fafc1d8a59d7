package docs

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/markdown"
)

var update = flag.Bool("update", false, "update the programs in the documents")

// TestProgramsAreShownAsTheyRun compares clients.md with the programs in test/clients,
// which make e2e-clients runs.
func TestProgramsAreShownAsTheyRun(t *testing.T) {
	for program, language := range map[string]string{
		"curl/credentials.sh": "bash", "go/credentials.go": "go", "python/credentials.py": "python",
		"java/Credentials.java": "java", "javascript/credentials.mjs": "javascript",
	} {
		text, err := os.ReadFile("../test/clients/" + program)
		require.NoError(t, err)
		requirePart(t, "clients.md", program, "```"+language+"\n"+strings.TrimSpace(string(text))+"\n```\n")
	}
}

// requirePart compares a part of a document with a text, or with -update writes it.
func requirePart(t *testing.T, document, part, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), document)
	if *update {
		path = document
	}
	require.NoError(t, markdown.Replace(document, part, text, path))
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	got, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "go test ./docs -update updates it")
}
