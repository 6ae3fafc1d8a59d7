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
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "test -t 0 && test -t 1 && test -t 2 && stty size")
	out, err := inTerminal(cmd, 110)
	require.NoError(t, err)
	require.Equal(t, "50 110\n", out)

	out, err = inTerminal(exec.CommandContext(t.Context(), "sh", "-c", "echo no; exit 3"), 110)
	require.ErrorContains(t, err, "exit status 3")
	require.Equal(t, "no\n", out)
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
