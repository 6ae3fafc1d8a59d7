// Package docs holds the documentation. Its tests compare the texts with the code.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheTestsThatAreNamedExist checks that each test named in a document exists.
func TestTheTestsThatAreNamedExist(t *testing.T) {
	declared := declaredTests(t)
	named := regexp.MustCompile("`(Test\\w+)`")
	texts, err := filepath.Glob("*.md")
	require.NoError(t, err)
	for _, path := range append(texts, "../SECURITY.md") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		found := named.FindAllSubmatch(text, -1)
		require.NotEmpty(t, found, path)
		for _, match := range found {
			assert.Contains(t, declared, string(match[1]), "%s names a test that does not exist", path)
		}
	}
}
