package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend"
)

// TestContributingNamesFilesThatExist looks for each file and folder that CONTRIBUTING.md
// names. A name with a placeholder, as in "<name>", stands for at least one file.
func TestContributingNamesFilesThatExist(t *testing.T) {
	text, err := os.ReadFile("../CONTRIBUTING.md")
	require.NoError(t, err)
	path := regexp.MustCompile("`((?:\\.\\w+|\\w[\\w.-]*)/[\\w./<>-]*)`")
	found := path.FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(found), 40)
	placeholder := regexp.MustCompile(`<\w+>`)
	for _, match := range found {
		files, err := filepath.Glob("../" + placeholder.ReplaceAllString(match[1], "*"))
		require.NoError(t, err)
		assert.NotEmpty(t, files, "CONTRIBUTING.md names %s", match[1])
	}
}

// TestContributingShowsTheTree compares the tree in CONTRIBUTING.md with the folders that hold
// Go files. Folders of folders in the tree need no line of their own.
func TestContributingShowsTheTree(t *testing.T) {
	shown := treeOfContributing(t)
	for _, folder := range shown {
		assert.DirExists(t, "../"+folder, "the tree shows %s", folder)
	}
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		folder, name := strings.TrimPrefix(filepath.Dir(path), "../"), entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == "testdata" || name == "bin" || strings.HasPrefix(name, ".") && name != ".."):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go") && strings.Count(folder, "/") == 1:
			assert.Contains(t, shown, folder, "the tree does not show it")
			return fs.SkipDir // the rest of the folder
		}
		return nil
	}))
}

// treeOfContributing returns the folders of the tree, without a slash at the end.
func treeOfContributing(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../CONTRIBUTING.md")
	require.NoError(t, err)
	_, tree, found := strings.Cut(string(text), "\n## The tree\n")
	require.True(t, found)
	tree, _, _ = strings.Cut(tree, "\n## ")
	var folders []string
	top := ""
	for _, line := range regexp.MustCompile(`(?m)^ {4}( {2})?(\S+/(?: \S+/)*)(?: |$)`).FindAllStringSubmatch(tree, -1) {
		for name := range strings.FieldsSeq(line[2]) {
			name = strings.TrimSuffix(name, "/")
			if line[1] == "" {
				top = name
			} else {
				name = top + "/" + name
			}
			folders = append(folders, name)
		}
	}
	require.Greater(t, len(folders), 20)
	return folders
}

// TestEveryStoreIsNamed looks for each type of store in the README and in stores.md. Versions
// and other names of the same store need no row.
func TestEveryStoreIsNamed(t *testing.T) {
	otherNames := []string{"state.sqlite3", "state.postgres", "state.yugabyte"}
	types := slices.Concat(backend.ConfigStoreTypes(), backend.SecretStoreTypes())
	for path, pattern := range map[string]string{"../README.md": "(?m)^\\| (?:config|secret) stores \\| (.*)$", "stores.md": "(?m)^\\| (`[^|]*) \\|"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		named := strings.Join(firstGroups(pattern, string(text)), "\n")
		for _, name := range types {
			if !strings.Contains(name, "/") && !slices.Contains(otherNames, name) {
				assert.Contains(t, named, "`"+name+"`", path)
			}
		}
	}
}
