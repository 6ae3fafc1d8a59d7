package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/creack/pty"
)

// record does a scene in a new folder and returns what the terminal shows, with its escape sequences.
// The product is in a folder of programs.
func record(ctx context.Context, s scene, programs string) (string, error) {
	folder, err := os.MkdirTemp("", "pictures-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for name, text := range s.files {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			return "", err
		}
	}
	run := func(script string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "sh", "-euc", script)
		cmd.Dir = folder
		cmd.Env = []string{"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + folder, "TERM=xterm-256color", "LC_ALL=C.UTF-8"}
		return cmd
	}
	if out, err := run(s.before).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: before: %w\n%s", s.name, err, out)
	}
	out, status, err := inTerminal(run(s.command), s.columns)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", s.name, err)
	case status != s.status:
		return "", fmt.Errorf("%s: the exit status is %d, not %d\n%s", s.name, status, s.status, out)
	}
	const bold, normal = "\x1b[1m", "\x1b[0m"
	shown := bold + "$ " + s.command + normal + "\n" + out
	for line := range strings.Lines(plain(shown)) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > s.columns {
			return "", fmt.Errorf("%s: the terminal has %d columns, but a line has %d: %s", s.name, s.columns, n, line)
		}
	}
	return shown, nil
}

// inTerminal runs a command in a terminal with this width, and returns what the terminal shows in the
// end, and the exit status.
func inTerminal(cmd *exec.Cmd, columns int) (out string, status int, err error) {
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = terminal.Close() }()
	printed, err := io.ReadAll(terminal)
	if errors.Is(err, syscall.EIO) { // Linux says so when the command has ended
		err = nil
	}
	_ = cmd.Wait() // the exit status says it
	text := strings.ReplaceAll(string(printed), "\r\n", "\n")
	return erased.ReplaceAllString(text, ""), cmd.ProcessState.ExitCode(), err
}

// erased is what a progress bar has shown and erased again: it returns to the begin of the line and
// erases the line.
var erased = regexp.MustCompile(`[^\n]*\r\x1b\[K`)
