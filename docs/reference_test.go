package docs

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/cli"
)

// TestReferenceMatchesTheCode compares the names of reference.md with those in the code.
func TestReferenceMatchesTheCode(t *testing.T) {
	for name, test := range map[string]struct {
		section, row string // the first group of row is the name
		known        []string
	}{
		"metadata": {"Component metadata", "(?m)^\\| `([^`]+)` \\|", metadataNames(t)},
		"requests": {"Requests", "(?m)^\\| `metadata\\.([^`]+)` \\|", requestOptions(t)},
		"commands": {"Commands", "(?m)^\\| `credential-resolver (\\w+)", commands(t)},
		"flags":    {"Flags of serve", "(?m)^\\| `--([^`]+)` \\|", serveFlags(t)},
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

// commands returns the commands that the help lists, without help itself.
func commands(t *testing.T) []string {
	t.Helper()
	_, list, _ := strings.Cut(help(t), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	names := firstGroups(`(?m)^  (\w+)`, list)
	return slices.DeleteFunc(names, func(name string) bool { return name == "help" })
}

// serveFlags returns the flags that the help of serve lists, without help itself.
func serveFlags(t *testing.T) []string {
	t.Helper()
	names := firstGroups(`(?m)^ +(?:-\w, )?--([\w-]+)`, help(t, "serve"))
	return slices.DeleteFunc(names, func(name string) bool { return name == "help" })
}

// help returns the help of a command.
func help(t *testing.T, command ...string) string {
	t.Helper()
	var out bytes.Buffer
	streams := cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out}
	require.Zero(t, cli.Run(context.Background(), "test", append(command, "--help"), streams), &out)
	return out.String()
}

// firstGroups returns the first group of each match of a pattern.
func firstGroups(pattern, text string) []string {
	var groups []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		groups = append(groups, match[1])
	}
	return groups
}
