package docs

import (
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPicturesAreShown finds pictures that are missing, or that no document shows.
func TestPicturesAreShown(t *testing.T) {
	shown := map[string]bool{}
	for document, text := range documents(t) {
		for _, found := range regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			picture := path.Join(path.Dir(document), found[1])
			shown[picture] = true
			assert.FileExists(t, "../"+picture, "%s shows it", document)
		}
	}
	for picture := range pictures(t) {
		assert.True(t, shown[picture], "no document shows %s", picture)
	}
}

// TestPicturesLoadNothing requires that a picture is well-formed, and that a browser loads nothing from
// another host to show it.
func TestPicturesLoadNothing(t *testing.T) {
	loads := regexp.MustCompile(`(?i)@font-face|@import|url\([^#]|href *=|src *[=:]|<(script|image|foreignObject)`)
	for picture, text := range pictures(t) {
		assert.Empty(t, loads.FindString(text), picture)
		decoder := xml.NewDecoder(strings.NewReader(text))
		var err error
		for err == nil {
			_, err = decoder.Token()
		}
		assert.True(t, errors.Is(err, io.EOF), "%s: %v", picture, err)
	}
}

// pictures returns the text of each picture of the documents, by its path in the repository.
func pictures(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".svg" {
			return err
		}
		text, err := os.ReadFile(file)
		all[path.Join("docs", filepath.ToSlash(file))] = string(text)
		return err
	}))
	require.Greater(t, len(all), 5)
	return all
}
