package session

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"credential-resolver/test/waiting"
)

// Options say where a document is run.
type Options struct {
	Dir string   // the reader's folder
	Env []string // the reader's environment

	// OwnNetwork gives the session a network of its own, so that a document may name ports. Nothing
	// outside is reachable. Otherwise the session has this machine's network.
	OwnNetwork bool
}

// Run does the steps one after the other in one bash, until one fails. All processes that the steps
// start end with it, or with this process.
func Run(ctx context.Context, steps []Step, o Options) error {
	shell, err := startShell(ctx, o)
	if err != nil {
		return err
	}
	defer shell.stop()
	for _, step := range steps {
		if err := shell.do(step); err != nil {
			return fmt.Errorf("line %d: %w", step.Line, err)
		}
	}
	return nil
}

// makeNetwork is a shell script that gives a new network namespace loopback, and an address that is
// reachable only from inside. daprd does not start if it finds only loopback.
const makeNetwork = `ip link set lo up; ip link add eth0 type veth peer name eth1
ip addr add 192.0.2.2/24 dev eth0; ip link set eth1 up; ip link set eth0 up; ip route add default via 192.0.2.1
`

// shell is a running bash.
type shell struct {
	dir    string
	script string // the file that bash runs next
	stdin  io.WriteCloser
	output *bufio.Reader
	cancel context.CancelFunc
	ended  chan struct{}
}

// startShell starts a bash in a PID namespace of its own: the kernel ends all its processes with it.
func startShell(ctx context.Context, o Options) (*shell, error) {
	scripts, err := os.MkdirTemp("", "session-")
	if err != nil {
		return nil, err
	}
	args := []string{"--fork", "--kill-child", "--pid", "--mount-proc"}
	if os.Getuid() != 0 {
		args = append(args, "--map-root-user")
	}
	begin := "exec bash --norc"
	if o.OwnNetwork {
		args = append(args, "--net")
		begin = "set -e\n" + makeNetwork + begin
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "unshare", append(args, "sh", "-c", begin)...)
	cmd.Dir, cmd.Env = o.Dir, o.Env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	output, write, err := os.Pipe()
	if err != nil {
		cancel()
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = write, write
	s := &shell{dir: o.Dir, script: filepath.Join(scripts, "step.sh"), stdin: stdin, output: bufio.NewReader(output), cancel: cancel, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the kernel kills the shell when the thread that started it ends
		err := cmd.Start()
		_ = write.Close()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed
		}
		_ = os.RemoveAll(scripts)
		close(s.ended)
	}()
	return s, <-started
}

// stop ends the shell and everything in it.
func (s *shell) stop() {
	s.cancel()
	<-s.ended
}

// do does one step.
func (s *shell) do(step Step) error {
	if step.File != "" {
		path := filepath.Join(s.dir, step.File)
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(step.Text), 0o644))
	}
	for deadline := time.Now().Add(waiting.Long); ; <-time.After(pause) {
		out, status, err := s.run(step.Command)
		switch {
		case err != nil:
			return fmt.Errorf("$ %s\n%s\n%w", step.Command, out, err)
		case status == 0 && (step.Hidden || matches(step.Want, out)):
			return nil
		case step.repeats() && time.Now().Before(deadline):
		case status != 0:
			return fmt.Errorf("$ %s\n%s\nended with exit status %d", step.Command, out, status)
		default:
			return fmt.Errorf("$ %s\n%s\ninstead of\n%s", step.Command, out, step.Want)
		}
	}
}

// pause is how long a command that repeats waits before it runs again.
const pause = 200 * time.Millisecond

// endOfStep separates the outputs of the commands.
const endOfStep = "\x00end of step "

// run runs a command and returns its output, without the newline at its end.
func (s *shell) run(command string) (out string, status int, err error) {
	if err := os.WriteFile(s.script, []byte(command+"\n"), 0o600); err != nil {
		return "", 0, err
	}
	if _, err := fmt.Fprintf(s.stdin, ". '%s' </dev/null; printf '\\0%s%%d\\n' $?\n", s.script, endOfStep[1:]); err != nil {
		return "", 0, err
	}
	var b strings.Builder
	for {
		line, err := s.output.ReadString('\n')
		before, end, found := strings.Cut(line, endOfStep)
		b.WriteString(before)
		out = strings.TrimSuffix(b.String(), "\n")
		if err != nil {
			return out, 0, fmt.Errorf("the shell ended: %w", err)
		}
		if found {
			status, err = strconv.Atoi(strings.TrimSpace(end))
			return out, status, err
		}
	}
}
