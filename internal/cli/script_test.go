package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"credential-resolver/internal/cli"
	"credential-resolver/internal/owned/ownedtest"
	"credential-resolver/test/waiting"
)

// The scripts run this test binary as a process under the product's name. So exit codes,
// signals and standard streams are real.
func TestMain(m *testing.M) {
	ownedtest.SetUmask()
	testscript.Main(m, map[string]func(){"credential-resolver": run})
}

// run is the main function of main.go, with a version.
func run() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Run(ctx, "test", os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

func runScripts(t *testing.T, folder string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 folder,
		Setup:               setup,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"oneline": oneLine,
			"serves":  serves,
			"signal":  sendSignal,
			"mode":    mode,
			"config":  configOfSize,
		},
	})
}

func setup(env *testscript.Env) error {
	// A socket's path may have only 107 bytes. $WORK may be longer than that.
	sockets, err := os.MkdirTemp("", "cr")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = os.RemoveAll(sockets) })
	env.Setenv("SOCKETS", sockets)
	env.Setenv("SOCKET", filepath.Join(sockets, "credential-resolver.sock"))
	env.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", sockets)
	env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "data"))
	env.Setenv("XDG_RUNTIME_DIR", filepath.Join(env.WorkDir, "run"))
	// By default, each process with the race detector sleeps for a second before it exits.
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	return nil
}

// exits runs a command that must exit with a code: exits 2 command...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("got exit code %d, want %d", got, want)
	}
}

// oneLine requires that stdout, stderr or a file has exactly one line.
func oneLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: oneline file")
	}
	text := ts.ReadFile(args[0])
	if len(text) < 2 || strings.IndexByte(text, '\n') != len(text)-1 {
		ts.Fatalf("want one line in %s, got %q", args[0], text)
	}
}

// serves waits until a process answers on a socket.
func serves(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serves socket")
	}
	poll, limit := time.NewTicker(10*time.Millisecond), time.NewTimer(waiting.Long)
	defer poll.Stop()
	defer limit.Stop()
	for {
		c, err := net.Dial("unix", args[0])
		if err == nil {
			ts.Check(c.Close())
			return
		}
		select {
		case <-poll.C:
		case <-limit.C:
			ts.Fatalf("no process answers on the socket: %v", err)
		}
	}
}

// sendSignal sends TERM, INT or HUP to the commands in the background.
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP}
	if neg || len(args) != 1 || signals[args[0]] == 0 {
		ts.Fatalf("usage: signal TERM|INT|HUP")
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(signals[args[0]]))
	}
}

// mode requires the permission bits of a file, in octal.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode bits file")
	}
	info, err := os.Lstat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode()&fs.ModePerm); got != args[0] {
		ts.Fatalf("%s: got mode %s, want %s", args[1], got, args[0])
	}
}

// configOfSize writes a config with a size in bytes.
func configOfSize(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: config bytes file")
	}
	size, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := `{"a":"` + strings.Repeat("x", size-8) + `"}`
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
