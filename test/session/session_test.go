package session

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const document = "# Title\n\nText.\n\n## First\n\n```console\n$ echo a; \\\n  echo b\na\nb\n$ cat <<EOF\n> x\n> EOF\nx\n```\n\n" +
	"```sh\nno command\n```\n\n## Empty\n\n## Second\n\n<!-- test: touch flag -->\n\n```console\n$ false\n$ echo $?\n1\n```\n"

func TestParseFindsCommandsAndTheirOutput(t *testing.T) {
	sections, err := Parse(document)
	require.NoError(t, err)
	require.Equal(t, []Section{
		{"First", []Step{
			{Line: 8, Command: "echo a; \\\n  echo b", Want: "a\nb\n"},
			{Line: 12, Command: "cat <<EOF\nx\nEOF", Want: "x\n"},
		}},
		{"Second", []Step{
			{Line: 26, Command: "touch flag", Hidden: true},
			{Line: 29, Command: "false", usesStatus: true},
			{Line: 30, Command: "echo $?", Want: "1\n"},
		}},
	}, sections)
}

func TestParseRefusesUnfinishedText(t *testing.T) {
	for text, want := range map[string]string{
		"```console\n$ true\n":            "line 1: the block does not end",
		"```console\noutput\n```\n":       "line 2: output without a command",
		"<!-- test: true\n-->\n## Next\n": "line 1: the comment does not end in its line",
	} {
		_, err := Parse(text)
		require.EqualError(t, err, want)
	}
}

func TestMatchesKnowsItsWildcards(t *testing.T) {
	for name, test := range map[string]struct {
		want, got string
		matches   bool
	}{
		"equal":                           {"a\nb\n", "a\nb\n", true},
		"blanks and empty lines at ends":  {"a\n", "a  \n\n", true},
		"no output":                       {"", "", true},
		"unexpected output":               {"", "error\n", false},
		"missing output":                  {"a\n", "", false},
		"another text":                    {"a\n", "b\n", false},
		"part of a line":                  {"a\n", "ab\n", false},
		"special characters are literal":  {"a.c [x]*\n", "a.c [x]*\n", true},
		"a dot is no wildcard":            {"a.c\n", "abc\n", false},
		"any text in a line":              {"took … ms\n", "took 12 ms\n", true},
		"any text does not span lines":    {"a…b\n", "a\nb\n", false},
		"a line stands for several lines": {"a\n…\nd\n", "a\nb\nc\nd\n", true},
		"a line stands for no line":       {"a\n…\nd\n", "a\nd\n", true},
		"only a wildcard":                 {"…\n", "a\nb\n", true},
	} {
		assert.Equal(t, test.matches, Matches(test.want, test.got), name)
	}
}

func TestPlayKeepsTheStateOfTheShell(t *testing.T) {
	folder := t.TempDir()
	shell := New(t, folder, "GREETING=hello")
	sections, err := Parse(document + "\n## Third\n\n```console\n$ mkdir sub; cd sub; name=world\n$ echo \"$GREETING $name\"; basename \"$PWD\"\n" +
		"hello world\nsub\n$ echo x >> count; wc -l < count # repeat until it is 3\n3\n```\n")
	require.NoError(t, err)
	require.Len(t, sections, 3)
	for _, section := range sections {
		require.NoError(t, shell.Play(section))
	}
	require.FileExists(t, filepath.Join(folder, "flag"))
	count, err := os.ReadFile(filepath.Join(folder, "sub", "count"))
	require.NoError(t, err)
	require.Equal(t, "x\nx\nx\n", string(count))
}

func TestPlayReportsTheStepThatFails(t *testing.T) {
	for name, test := range map[string]struct{ block, want string }{
		"another output":   {"$ echo a\nb", "line 4: status 0 from\n$ echo a\nwant:\nb\n\ngot:\na\n"},
		"an exit status":   {"$ true\n$ (exit 3)", "line 5: status 3 from\n$ (exit 3)\nwant:\n\ngot:\n"},
		"no such program":  {"$ no-such-program 2>/dev/null", "line 4: status 127 from\n$ no-such-program 2>/dev/null\nwant:\n\ngot:\n"},
		"a hidden command": {"$ true\n```\n<!-- test: false -->\n```console", "line 6: status 1 from\n$ false\nwant:\n\ngot:\n"},
	} {
		t.Run(name, func(t *testing.T) {
			sections, err := Parse("## Title\n\n```console\n" + test.block + "\n```\n")
			require.NoError(t, err)
			require.EqualError(t, New(t, t.TempDir()).Play(sections[0]), test.want)
		})
	}
}

func TestAddedCommandsRunInTheTest(t *testing.T) {
	shell := New(t, t.TempDir())
	shell.Add("greet", func(args []string) (string, error) {
		if len(args) == 0 {
			return "nobody\n", errors.New("no name")
		}
		return "hello " + strings.Join(args, ",") + "\n", nil
	})
	output, status := shell.Run("greet 'a b' -c=1")
	require.Equal(t, "hello a b,-c=1\n", output)
	require.Zero(t, status)
	output, status = shell.Run("greet 2>/dev/null")
	require.Equal(t, "nobody\nno name\n", output)
	require.NotZero(t, status)
}

func TestRunReturnsTheStatusAndBothStreams(t *testing.T) {
	shell := New(t, t.TempDir())
	output, status := shell.Run("echo out; echo err >&2; (exit 3)")
	require.Equal(t, "out\nerr\n", output)
	require.Equal(t, 3, status)
}
