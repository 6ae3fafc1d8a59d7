package main

import (
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCommandsRunInATerminal(t *testing.T) {
	for _, test := range []struct {
		script, shown string
		status        int
	}{
		{"test -t 0 && test -t 1 && test -t 2 && stty size", "50 110\n", 0},
		{"echo no; exit 3", "no\n", 3},
		{`printf 'a\n 50%%\r\033[K 99%%\r\033[Kb\n'`, "a\nb\n", 0},
	} {
		out, status, err := inTerminal(exec.CommandContext(t.Context(), "sh", "-c", test.script), 110)
		require.NoError(t, err)
		require.Equal(t, test.shown, out)
		require.Equal(t, test.status, status)
	}
}

func TestASceneShowsTheCommandAndWhatItPrints(t *testing.T) {
	s := scene{
		name: "a", columns: 39, files: map[string]string{"in": "text\n"},
		before: "mv in file", command: `cat file; printf '\033[31mred\033[0m'`,
	}
	shown, err := record(t.Context(), s, "/none")
	require.NoError(t, err)
	require.Equal(t, "\x1b[1m$ cat file; printf '\\033[31mred\\033[0m'\x1b[0m\ntext\n\x1b[31mred\x1b[0m", shown)
	require.Equal(t, "$ cat file; printf '\\033[31mred\\033[0m'\ntext\nred", plain(shown))

	s.columns = 38
	_, err = record(t.Context(), s, "/none")
	require.ErrorContains(t, err, "a: the terminal has 38 columns, but a line has 39")
	s.status = 2
	_, err = record(t.Context(), s, "/none")
	require.ErrorContains(t, err, "a: the exit status is 0, not 2")
	s.before = "echo why; false"
	_, err = record(t.Context(), s, "/none")
	require.ErrorContains(t, err, "a: before: exit status 1\nwhy")
}

func TestEverySceneHasItsPicture(t *testing.T) {
	for _, s := range scenes {
		text, err := os.ReadFile(filepath.Join("../../docs", s.name+".svg"))
		require.NoError(t, err, "make pictures draws it")
		require.Contains(t, described(t, string(text)), "$ "+s.command+"\n", "make pictures draws it again")
	}
}

// described returns the text of a picture.
func described(t *testing.T, svg string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)<desc>(.*?)</desc>`).FindStringSubmatch(svg)
	require.NotNil(t, found)
	return html.UnescapeString(found[1]) + "\n"
}
