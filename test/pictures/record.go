package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
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
	out, err := inTerminal(run(s.command), s.columns)
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", s.name, err, out)
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

// inTerminal runs a command in a terminal with this width, and returns what it prints.
func inTerminal(cmd *exec.Cmd, columns int) (string, error) {
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
	if err != nil {
		return "", err
	}
	defer func() { _ = terminal.Close() }()
	out, err := io.ReadAll(terminal)
	if errors.Is(err, syscall.EIO) { // Linux says so when the command has ended
		err = nil
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n"), errors.Join(err, cmd.Wait())
}
