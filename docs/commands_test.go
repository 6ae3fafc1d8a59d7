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

	"credential-resolver/test/doccheck"
)

// commands has each document that shows commands, and says what runs them.
var commands = map[string]struct {
	// sessions is the test that runs the blocks of the language "console".
	sessions string
	// others says what runs the other blocks of commands, or why nothing can.
	others string
}{
	"README.md":                            {"TestTutorials", "TestTutorials makes the same request; .ci/run makes test and demo"},
	"docs/audit.md":                        {"TestTutorials", "they need a cluster; TestContainerHasAnAuditLog renders the same values"},
	"docs/check.md":                        {"TestTutorials", ""},
	"docs/cli.md":                          {"", "TestCommandsAreDocumented writes the examples of the help, and TestScripts runs each command"},
	"docs/clients.md":                      {"", "TestClients runs the script that TestProgramsAreShownAsTheyRun compares"},
	"docs/explain.md":                      {"TestTutorials", ""},
	"docs/go.md":                           {"", "TestGoDocsProgram writes what they write into a go.mod"},
	"docs/kubernetes.md":                   {"", "they need a cluster; TestClusterTutorial installs the same chart"},
	"docs/operations.md":                   {"TestRunbook", "TestRunbook sets the same variables"},
	"docs/reference.md":                    {"TestTutorials", ""},
	"docs/references.md":                   {"TestTutorials", ""},
	"docs/releases.md":                     {"TestReleaseIsVerifiedAsDocumented", ""},
	"docs/running.md":                      {"", "make size builds with the same tags"},
	"docs/tutorial-kubernetes.md":          {"TestClusterTutorial", ""},
	"docs/tutorial-laptop.md":              {"TestTutorials", ""},
	"docs/vault.md":                        {"TestTutorials", ""},
	"test/e2e/testdata/takeover/README.md": {"", "it needs the binary of an earlier version; TestUpgrade has its flags"},
}

// TestCommandsInDocumentsAreRun finds documents that show commands which no test runs.
func TestCommandsInDocumentsAreRun(t *testing.T) {
	tests := declaredTests(t)
	all := documents(t)
	for path, text := range all {
		sessions, others := doccheck.Commands(text)
		row := commands[path]
		assert.Equal(t, sessions, row.sessions != "", "%s: the test that runs its console blocks", path)
		assert.Equal(t, others, row.others != "", "%s: what runs its other commands, or why nothing can", path)
		if row.sessions != "" {
			assert.Contains(t, tests[row.sessions], strings.TrimPrefix(path, "docs/")+`"`, "the file of %s does not name %s", row.sessions, path)
		}
		for _, name := range regexp.MustCompile(`Test\w+`).FindAllString(row.others, -1) {
			assert.Contains(t, tests, name, path)
		}
	}
	for path := range commands {
		assert.Contains(t, all, path, "the document does not exist")
	}
}

// declaredTests returns the text of the file that declares each test of the repository, by the test's
// name.
func declaredTests(t *testing.T) map[string]string {
	t.Helper()
	declared := map[string]string{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, match := range function.FindAllSubmatch(text, -1) {
			declared[string(match[1])] = string(text)
		}
		return err
	}))
	return declared
}
