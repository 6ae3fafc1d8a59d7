package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
)

// TestReferenceMatchesTheCode compares the names of reference.md with those in the code.
func TestReferenceMatchesTheCode(t *testing.T) {
	for name, test := range map[string]struct {
		section, row string // the first group of row is the name
		known        []string
	}{
		"metadata": {"Component metadata", "(?m)^\\| `([^`]+)` \\|", metadataNames(t)},
		"requests": {"Requests", "(?m)^\\| `metadata\\.([^`]+)` \\|", requestOptions(t)},
	} {
		t.Run(name, func(t *testing.T) {
			assert.ElementsMatch(t, test.known, firstGroups(test.row, referenceSection(t, test.section)))
		})
	}
}

// TestReferenceHasTheDefaults sets each metadata name to the default that reference.md states.
// The settings must be the same as without it.
func TestReferenceHasTheDefaults(t *testing.T) {
	required := map[string]string{"secretStore": "secretstores.local.file"}
	want, err := component.ParseMetadata(required)
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (?:`([^`]+)`)? ?\\|")
	rows := row.FindAllStringSubmatch(referenceSection(t, "Component metadata"), -1)
	var without []string
	for _, row := range rows {
		name, value := row[1], row[2]
		if value == "" {
			without = append(without, name)
			continue
		}
		got, err := component.ParseMetadata(map[string]string{"secretStore": required["secretStore"], name: value})
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	assert.ElementsMatch(t, []string{
		"configStore.<field>", "secretStore", "secretStore.<field>", "secretStores.<name>", "secretStores.<name>.<field>",
		"allowedSecrets", "lookupFields",
	}, without)
}

// referenceSection returns the text of a section of reference.md.
func referenceSection(t *testing.T, title string) string {
	t.Helper()
	text, err := os.ReadFile("reference.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## "+title+"\n")
	require.True(t, found, title)
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// metadataNames returns the names that the error for an unknown name lists.
func metadataNames(t *testing.T) []string {
	t.Helper()
	_, err := component.ParseMetadata(map[string]string{"zzz": ""})
	require.Error(t, err)
	_, list, found := strings.Cut(err.Error(), "the names are ")
	require.True(t, found, err)
	return strings.Split(strings.Replace(list, " and ", ", ", 1), ", ")
}

// requestOptions returns the options that the error for an unknown option lists.
func requestOptions(t *testing.T) []string {
	t.Helper()
	_, err := component.ParseRequest("guid", map[string]string{"zzz": ""}, component.Flat)
	require.Error(t, err)
	_, list, found := strings.Cut(err.Error(), "the known names are ")
	require.True(t, found, err)
	return strings.Split(list, ", ")
}

// firstGroups returns the first group of each match of a pattern.
func firstGroups(pattern, text string) []string {
	var groups []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		groups = append(groups, match[1])
	}
	return groups
}
