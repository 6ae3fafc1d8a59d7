package session

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/waiting"
)

// runDocument runs a document in a folder.
func runDocument(t *testing.T, folder, document string) error {
	t.Helper()
	steps, err := Parse(document)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), waiting.Long)
	defer cancel()
	return Run(ctx, steps, Options{Dir: folder, Env: os.Environ()})
}

func TestOneShellRunsAllSteps(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, runDocument(t, folder, "```console\n$ mkdir a && cd a\n$ export B='1  2'\n```\n```json a/f.json\n{}\n```\n"+
		"```console\n$ cat f.json; printf %s \"$B\"\n{}\n1  2\n$ sleep 1000 &\n$ kill %1; wait %1 || true\n$ cat <<END\n> x\n> END\nx\n```\n"))
	require.FileExists(t, filepath.Join(folder, "a/f.json"))
}

func TestAStepRepeatsUntilItDoesWhatTheDocumentSays(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, runDocument(t, folder, "```console\n$ echo x >> a; wc -l < a # repeat until it is 2\n2\n```\n"+
		"<!-- test: echo y >> b; [ $(wc -l < b) = 3 ] # repeat -->\n"))
	text, err := os.ReadFile(filepath.Join(folder, "b"))
	require.NoError(t, err)
	require.Equal(t, "y\ny\ny\n", string(text))
}

func TestAddedCommandsRunInTheTest(t *testing.T) {
	folder := t.TempDir()
	AddCommand(t, folder, "greet", func(args []string) (string, error) {
		if len(args) == 0 {
			return "nobody\n", errors.New("no name")
		}
		return "hello " + strings.Join(args, ",") + "\n", nil
	})
	require.NoError(t, runDocument(t, folder, "```console\n$ ./greet 'a b' -c=1\nhello a b,-c=1\n$ ./greet 2> error || echo failed\nnobody\nno name\nfailed\n```\n"))
}

func TestAStepThatFailsEndsTheSession(t *testing.T) {
	for document, want := range map[string]string{
		"```console\n$ echo a\nb\n```\n":              "line 2: $ echo a\na\ninstead of\nb",
		"```console\n$ echo a\n```\n":                 "instead of",
		"<!-- test: echo a; false -->\n":              "line 1: $ echo a; false\na\nended with exit status 1",
		"```console\n$ echo a >&2; false\na\n```\n":   "line 2: $ echo a >&2; false\na\nended with exit status 1",
		"```console\n$ true\n$ exit 3\n$ true\n```\n": "line 3: $ exit 3\n\nthe shell ended",
		"```console\n$ true\n$ if\n$ touch no\n```\n": "line 3: $ if",
	} {
		folder := t.TempDir()
		require.ErrorContains(t, runDocument(t, folder, document), want)
		require.NoFileExists(t, filepath.Join(folder, "no"))
	}
}

// TestNothingOutlivesTheSession has a process in the background that holds a FIFO open.
func TestNothingOutlivesTheSession(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	read, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)

	require.NoError(t, runDocument(t, filepath.Dir(fifo), "```console\n$ exec 3>fifo\n$ setsid sleep 1000 &\n$ exec 3>&-\n```\n"))

	require.NoError(t, read.SetReadDeadline(time.Now().Add(waiting.Long)))
	_, err = read.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}
