//go:build e2e && docs

package e2e

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/session"
)

// TestRunbook runs every command of docs/operations.md and compares its output with the
// document. Each section has a deployment of its own.
func TestRunbook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	variables := regexp.MustCompile(`(?s)\n` + "```sh\n(.*?)```").FindSubmatch(text)
	require.NotNil(t, variables, "the document must begin with its variables")
	steps, err := session.Parse(string(text))
	require.NoError(t, err)
	sections := map[string][]session.Step{}
	for _, step := range steps {
		sections[step.Section] = append(sections[step.Section], step)
	}
	require.GreaterOrEqual(t, len(sections), 7)
	for title, steps := range sections {
		t.Run(strings.ReplaceAll(title, " ", "-"), func(t *testing.T) {
			t.Parallel()
			h := newHost(t, title == "Restore")
			require.ElementsMatch(t, exported(string(variables[1])), slices.Collect(maps.Keys(h.variables)))
			steps = append([]session.Step{h.start(t)}, steps...)
			if err := session.Run(t.Context(), steps, session.Options{Dir: h.home, Env: h.env(t)}); err != nil {
				t.Fatalf("docs/operations.md: %v\nthe log of the component:\n%s", err, h.journal("credential-resolver"))
			}
		})
	}
}

// exported returns the names of the variables that a script sets.
func exported(script string) []string {
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^export (\w+)=`).FindAllStringSubmatch(script, -1) {
		names = append(names, found[1])
	}
	return names
}
