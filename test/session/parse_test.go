package session

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStepsOfADocument(t *testing.T) {
	steps, err := Parse("Prose.\n\n```console\n$ a \\\n>   b\n1\n\n> 2\n$ c\n```\n```sh\n$ no\n```\n```json x/y.json\n{\n}\n```\n")
	require.NoError(t, err)
	require.Equal(t, []Step{
		{Line: 4, Command: "a \\\n  b", Want: "1\n\n> 2"},
		{Line: 9, Command: "c"},
		{Line: 14, File: "x/y.json", Text: "{\n}\n"},
	}, steps)
}

func TestHiddenCommandsAndSectionsOfADocument(t *testing.T) {
	steps, err := Parse("<!-- test: a -->\n## One\n```console\n$ b\n```\n### Part\n<!-- a comment -->\n<!-- test: c --> -->\n## Two\n```sh x\n```\n")
	require.NoError(t, err)
	require.Equal(t, []Step{
		{Line: 1, Command: "a", Hidden: true},
		{Line: 4, Section: "One", Command: "b"},
		{Line: 8, Section: "One", Command: "c -->", Hidden: true},
		{Line: 10, Section: "Two", File: "x", Text: "\n"},
	}, steps)
}

func TestDocumentsWithAFault(t *testing.T) {
	for document, want := range map[string]string{
		"```console\n$ a\n":       "line 1: the block has no end",
		"<!-- test: a\n-->\n":     "line 1: the comment does not end in its line",
		"a\n```console\nb\n```\n": "line 3: a console block must begin with a command",
	} {
		_, err := Parse(document)
		require.ErrorContains(t, err, want)
	}
}

func TestOutputIsComparedWithTheDocument(t *testing.T) {
	for _, test := range []struct {
		want, got string
		same      bool
	}{
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "a\nb", false},
		{"a", "", false},
		{"a.c", "abc", false},
		{"a…c", "abbc", true},
		{"a…c", "ab\nc", false},
		{"…", "", true},
		{"…", "a\nb", true},
		{"a\n…\nd", "a\nb\nc\nd", true},
		{"a\n…\nd", "a\nd", true},
		{"a\n…\nd", "a\nb\nc", false},
	} {
		require.Equal(t, test.same, matches(test.want, test.got), "%q and %q", test.want, test.got)
	}
}
