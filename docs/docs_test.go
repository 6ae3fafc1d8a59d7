// Package docs holds the documentation. Its tests compare the texts with the code.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheTestsThatAreNamedExist checks that each test named in a document exists.
func TestTheTestsThatAreNamedExist(t *testing.T) {
	declared := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range function.FindAllSubmatch(text, -1) {
			declared[string(match[1])] = true
		}
		return err
	}))

	named := regexp.MustCompile("`(Test\\w+)`")
	texts, err := filepath.Glob("*.md")
	require.NoError(t, err)
	for _, path := range append(texts, "../SECURITY.md") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		found := named.FindAllSubmatch(text, -1)
		require.NotEmpty(t, found, path)
		for _, match := range found {
			assert.True(t, declared[string(match[1])], "%s names %s, which does not exist", path, match[1])
		}
	}
}
