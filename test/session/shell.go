package session

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/waiting"
)

// Shell is a bash that keeps its variables, its folder and its background jobs from one command
// to the next, like a terminal.
type Shell struct {
	t        *testing.T
	folder   string // of the files of a command
	commands io.Writer
	statuses *bufio.Reader
	status   int // of the last command
}

// New starts a shell in a folder with additional environment variables, as "NAME=value". It ends
// with the test. Programs that its commands leave in the background do not: the test stops them.
func New(t *testing.T, folder string, env ...string) *Shell {
	t.Helper()
	s := &Shell{t: t, folder: t.TempDir()}
	read, write, err := os.Pipe()
	require.NoError(t, err)
	bash := exec.Command("bash", "--noprofile", "--norc")
	bash.Dir, bash.Env = folder, append(os.Environ(), env...)
	bash.ExtraFiles = []*os.File{write} // its descriptor 3
	stdin, err := bash.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, bash.Start())
	require.NoError(t, write.Close())
	s.commands, s.statuses = stdin, bufio.NewReader(read)
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = bash.Wait()
		_ = read.Close()
	})
	return s
}

// Run runs a command, and returns what it prints and its exit status.
func (s *Shell) Run(command string) (output string, status int) {
	s.t.Helper()
	file, out := filepath.Join(s.folder, "command"), filepath.Join(s.folder, "output")
	require.NoError(s.t, os.WriteFile(file, []byte(command+"\n"), 0o600))
	_, err := fmt.Fprintf(s.commands, "(exit %d); . %q >%q 2>&1 </dev/null 3>&-; echo $? >&3\n", s.status, file, out)
	require.NoError(s.t, err)
	line, err := s.statuses.ReadString('\n')
	require.NoError(s.t, err, "the shell ended in %s", command)
	s.status, err = strconv.Atoi(strings.TrimSpace(line))
	require.NoError(s.t, err)
	text, err := os.ReadFile(out)
	require.NoError(s.t, err)
	return string(text), s.status
}

// pause is how long a command that repeats waits before it runs again.
const pause = 200 * time.Millisecond

// Play runs the steps of a section. It returns an error at the first step that does not print
// what the document shows.
func (s *Shell) Play(section Section) error {
	for _, step := range section.Steps {
		deadline := time.Now().Add(waiting.Long)
		for {
			output, status := s.Run(step.Command)
			if step.passed(output, status) {
				break
			}
			if !step.repeats() || time.Now().After(deadline) {
				return fmt.Errorf("line %d: status %d from\n$ %s\nwant:\n%s\ngot:\n%s", step.Line, status, step.Command, step.Want, output)
			}
			<-time.After(pause)
		}
	}
	return nil
}

// passed reports whether a step did what the document shows.
func (s Step) passed(output string, status int) bool {
	if s.Hidden {
		return status == 0
	}
	return Matches(s.Want, output) && (status == 0 || s.usesStatus)
}
